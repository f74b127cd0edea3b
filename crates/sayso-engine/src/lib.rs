//! Sayso engine.
