//! `/v1/ledger` as a log that anybody can check: its key and heads, and for who may read
//! everything its tiles (C2SP tlog-tiles) and proofs.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sayso_client::wire;
use sayso_core::credential::Person;
use sayso_engine::{ConsistencyProof, InclusionProof, NoProof};
use sayso_ledger::proof::BadProof;
use sayso_ledger::tile::Tile;
use serde::Deserialize;

use super::caller::{PersonCaller, reads_everything};
use super::problem::{self, Problem};
use crate::Web;

/// Texts of at most so many entries at once: a bundle of them.
const MOST_TEXTS: usize = 256;
/// What never changes may be kept for ever, but not by proxies: it is not for everybody.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-cache");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn headers(kind: HeaderValue, caching: HeaderValue) -> [(HeaderName, HeaderValue); 2] {
    [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)]
}

fn may_read(person: &Person) -> Result<(), Problem> {
    match reads_everything(person) {
        true => Ok(()),
        false => Err(Problem::new(problem::FORBIDDEN, "the ledger is for people who may read all")),
    }
}

/// The key that checks the ledger's heads, as a line of a trust file (C2SP tlog-policy).
#[utoipa::path(get, path = "/v1/ledger/key", tag = "ledger",
    responses((status = 200, description = "`log NAME+ID+KEY`", content_type = "text/plain")))]
pub(super) async fn key(State(web): State<Web>) -> Response {
    let line = format!("log {}\n", web.engine.log_key());
    (headers(TEXT, NOT_KEPT), line).into_response()
}

/// The ledger's newest signed head (C2SP tlog-checkpoint).
#[utoipa::path(get, path = "/v1/ledger/checkpoint", tag = "ledger",
    responses(
        (status = 200, description = "A signed note", content_type = "text/plain"),
        (status = 404, description = "There is none in the first moments of a ledger"),
    ))]
pub(super) async fn checkpoint(State(web): State<Web>) -> Result<Response, Problem> {
    let head = web.engine.head().ok_or_else(|| none("the ledger has no head yet"))?;
    Ok((headers(TEXT, NOT_KEPT), head.note.clone()).into_response())
}

/// The newest head that witnesses have cosigned (C2SP tlog-cosignature), with their signatures.
#[utoipa::path(get, path = "/v1/ledger/checkpoint/cosigned", tag = "ledger",
    responses(
        (status = 200, description = "A signed note", content_type = "text/plain"),
        (status = 404, description = "No witness has cosigned any"),
    ))]
pub(super) async fn cosigned(State(web): State<Web>) -> Result<Response, Problem> {
    let note = web.engine.cosigned().await?;
    let note = note.ok_or_else(|| none("no witness has cosigned a head"))?;
    Ok((headers(TEXT, NOT_KEPT), note).into_response())
}

/// Tiles of the ledger's tree, and bundles of its entries, at the paths of C2SP tlog-tiles.
#[utoipa::path(get, path = "/v1/ledger/tile/{path}", tag = "ledger",
    params(("path" = String, Path,
        description = "`LEVEL/INDEX` or `entries/INDEX`, with `.p/WIDTH` if it is not full; an \
                       index is written like `x001/x234/067`")),
    responses(
        (status = 200, description = "Hashes or entries", content_type = "application/octet-stream"),
        (status = 404, description = "There is no such tile under the newest head"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn tile(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    may_read(&person)?;
    let tile: Result<Tile, _> = format!("tile/{path}").parse();
    let tile = tile.map_err(|bad| Problem::new(problem::NOT_FOUND, bad.to_string()))?;
    let found = web.engine.tile(tile).await?;
    let (bytes, whole) =
        found.ok_or_else(|| none("there is no such tile under the ledger's newest head"))?;
    let caching = if whole { FOR_EVER } else { NOT_KEPT };
    Ok((headers(BYTES, caching), bytes).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    from: u64,
    limit: Option<usize>,
}

/// Read the texts that entries hold the hashes of.
#[utoipa::path(get, path = "/v1/ledger/bodies", tag = "ledger",
    params(
        ("from" = u64, Query, description = "The first entry's index in the tree, from 0"),
        ("limit" = Option<usize>, Query, description = "Of at most so many entries, and never over 256"),
    ),
    responses((status = 200, body = wire::Bodies,
        description = "Those that there are: an entry may have none, or it was erased")),
    security(("reviewer" = [])))]
pub(super) async fn bodies(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    query: Result<Query<Texts>, QueryRejection>,
) -> Result<Json<wire::Bodies>, Problem> {
    may_read(&person)?;
    let Query(Texts { from, limit }) = query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let limit = limit.unwrap_or(MOST_TEXTS).min(MOST_TEXTS);
    let texts = web.engine.texts(from, limit).await?;
    let items = texts.into_iter().map(|(index, body)| wire::Body {
        index,
        salt: hex::encode(body.salt),
        content: String::from_utf8_lossy(&body.content).into_owned(),
    });
    Ok(Json(wire::Bodies { items: items.collect() }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inclusion {
    index: u64,
    size: Option<u64>,
}

/// Prove that an entry is in the ledger.
#[utoipa::path(get, path = "/v1/ledger/proof/inclusion", tag = "ledger",
    params(
        ("index" = u64, Query, description = "The entry's index in the tree, from 0: one less than its `seq`"),
        ("size" = Option<u64>, Query, description = "The size of the head to prove it under: the newest"),
    ),
    responses((status = 200, description = "The leaf, the root, and the hashes from one to the other, in hexadecimal (RFC 6962)")),
    security(("reviewer" = [])))]
pub(super) async fn inclusion(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    query: Result<Query<Inclusion>, QueryRejection>,
) -> Result<Json<InclusionProof>, Problem> {
    may_read(&person)?;
    let Query(Inclusion { index, size }) =
        query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let proof = web.engine.prove_inclusion(index, size).await;
    Ok(Json(proof.map_err(|no| refused(no, "?index", "?size"))?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Consistency {
    old: u64,
    new: Option<u64>,
}

/// Prove that an older head of the ledger is the beginning of a newer one.
#[utoipa::path(get, path = "/v1/ledger/proof/consistency", tag = "ledger",
    params(
        ("old" = u64, Query, description = "The size of the older head"),
        ("new" = Option<u64>, Query, description = "The size of the newer head: the newest"),
    ),
    responses((status = 200, description = "Both roots, and the hashes that lead to them, in hexadecimal (RFC 6962)")),
    security(("reviewer" = [])))]
pub(super) async fn consistency(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    query: Result<Query<Consistency>, QueryRejection>,
) -> Result<Json<ConsistencyProof>, Problem> {
    may_read(&person)?;
    let Query(Consistency { old, new }) =
        query.map_err(|bad| Problem::field("?", bad.body_text()))?;
    let proof = web.engine.prove_consistency(old, new).await;
    Ok(Json(proof.map_err(|no| refused(no, "?old", "?new"))?))
}

fn none(what: &str) -> Problem {
    Problem::new(problem::NOT_FOUND, what)
}

fn refused(no: NoProof, smaller: &str, larger: &str) -> Problem {
    let detail = no.to_string();
    match no {
        NoProof::NotYet { .. } => Problem::field(larger, detail),
        NoProof::Senseless(BadProof::OutOfRange | BadProof::Length | BadProof::Root) => {
            Problem::field(smaller, detail)
        }
        NoProof::Store(error) => error.into(),
    }
}
