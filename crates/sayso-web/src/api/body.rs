//! Request bodies: strict JSON, or a problem that names what is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use sayso_core::Digest;
use sayso_core::json::{self, Limits};
use serde::de::DeserializeOwned;

use super::problem::{self, Problem};

/// A body read by the strict door.
pub(crate) struct Strict<T> {
    pub(crate) value: T,
    bytes: Bytes,
}

impl<T> Strict<T> {
    /// What tells this request from another with the same idempotency key.
    pub(crate) fn fingerprint(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let limits = Limits::default();
        let body = axum::body::to_bytes(request.into_body(), limits.bytes).await;
        let bytes = body.map_err(|_| {
            let detail = format!("the body must have at most {} bytes", limits.bytes);
            Problem::new(problem::TOO_LARGE, detail)
        })?;
        let value = json::read_into(&bytes, limits)?;
        Ok(Self { value, bytes })
    }
}
