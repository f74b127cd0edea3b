//! Style, script and sign: in the binary, under names that change when they do.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sayso_core::Digest;

/// A file that pages refer to.
struct Asset {
    /// Where it is.
    address: String,
    /// What kind of file it is.
    kind: &'static str,
    /// What tells it from another version.
    tag: String,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, end: &str, kind: &'static str, text: &'static str) -> Self {
        let hash = format!("{:.16}", Digest::of(text.as_bytes()));
        let address = format!("/inbox/assets/{stem}-{hash}.{end}");
        Self { address, kind, tag: format!("\"{hash}\""), text }
    }
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    let style = include_str!("../../assets/inbox.css");
    let script = include_str!("../../assets/inbox.js");
    let keys = include_str!("../../assets/keys.js");
    let sign = include_str!("../../assets/icon.svg");
    [
        Asset::new("inbox", "css", "text/css; charset=utf-8", style),
        Asset::new("inbox", "js", "text/javascript; charset=utf-8", script),
        Asset::new("icon", "svg", "image/svg+xml", sign),
        Asset::new("keys", "js", "text/javascript; charset=utf-8", keys),
    ]
});

/// Where the style sheet is.
pub(super) fn style() -> &'static str {
    &ASSETS[0].address
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &ASSETS[1].address
}

/// Where the sign is.
pub(super) fn sign() -> &'static str {
    &ASSETS[2].address
}

/// Where the script for passkeys is.
pub(super) fn keys() -> &'static str {
    &ASSETS[3].address
}

/// `GET /inbox/assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.address.rsplit('/').next() == Some(&*name));
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    let lasting = [
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, &*asset.tag),
    ];
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == &*asset.tag);
    match known {
        true => (StatusCode::NOT_MODIFIED, lasting).into_response(),
        false => (lasting, [(header::CONTENT_TYPE, asset.kind)], asset.text).into_response(),
    }
}
