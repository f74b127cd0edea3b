//! Sayso store.
