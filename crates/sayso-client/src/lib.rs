//! Sayso client.
