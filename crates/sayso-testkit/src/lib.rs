//! What tests and benchmarks need besides the product. A dev-dependency only.

pub mod postgres;
