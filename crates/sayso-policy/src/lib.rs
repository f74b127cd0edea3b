//! Sayso policy.
