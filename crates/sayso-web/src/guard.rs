//! What every answer tells browsers: what a page of ours never does, so that nothing smuggled into
//! one does it either. Errors, JSON and redirects are pages too, for who frames them.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// What a page may ask of the browser: passkeys, on our own pages alone.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), \
     publickey-credentials-get=(self), publickey-credentials-create=(self)";

/// For what is not meant to be looked at in a browser. The inbox has a policy of its own.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";

/// What every answer says, where its handler has not said otherwise.
static FIXED: [(HeaderName, HeaderValue); 7] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS)),
];

/// Adds the headers.
pub(crate) async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.reserve(FIXED.len());
    for (name, value) in &FIXED {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    response
}
