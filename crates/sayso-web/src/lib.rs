//! Sayso web.
