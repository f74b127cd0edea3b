//! `/v1/keys`: people's own keys, and who vouches for them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sayso_client::wire;
use sayso_core::directory::{Countersigned, Key, Standing};
use sayso_core::enrolment::Countersignature;
use sayso_core::signature::{Base64Url, Domain, PersonKey, SshKey};
use sayso_core::{Digest, Directory};

use super::body::Strict;
use super::caller::{PersonCaller, reads_everything};
use super::problem::{self, Problem};
use crate::Web;

/// All people's keys that are in force.
#[utoipa::path(get, path = "/v1/keys", tag = "people",
    responses((status = 200, description = "The keys", body = wire::Keys)),
    security(("reviewer" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
) -> Result<Json<wire::Keys>, Problem> {
    let directory = web.engine.authority().directory().await?;
    let keys = directory.keys().filter(|(_, key)| key.is_in_force());
    let keys = keys.filter(|(_, key)| reads_everything(&person) || key.person == *person.name());
    Ok(Json(wire::Keys { items: keys.map(|(id, key)| view(id, key)).collect() }))
}

/// Offer an SSH key of one's own. What it signs counts once somebody vouches for it.
#[utoipa::path(post, path = "/v1/keys", tag = "people",
    request_body(content = wire::OfferKey, example = json!({
        "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILdMjazyF3W2e5VCPRpZu4UvKmv+lWFdKKOPbdRZ3nvv",
    })),
    responses(
        (status = 201, description = "The key", body = wire::Key),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn offer(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::OfferKey>,
) -> Result<(StatusCode, Json<wire::Key>), Problem> {
    let key: SshKey =
        body.value.public_key.parse().map_err(|bad: sayso_core::signature::BadKey| {
            Problem::field("/public_key", bad.to_string())
        })?;
    let (key, authority) = (PersonKey::Ssh(key), web.engine.authority());
    authority.offer_key((&person).into(), person.name(), &key, web.engine.now()).await?;
    let directory = authority.directory().await?;
    Ok((StatusCode::CREATED, Json(view(&key.id(), known(&directory, key.id())?))))
}

/// Ask for the statement to sign, to vouch for somebody's key with a key of one's own.
#[utoipa::path(post, path = "/v1/keys/{id}/statements", tag = "people",
    params(("id" = String, Path, description = "The key to vouch for, by its id")),
    request_body(content = wire::Vouch),
    responses(
        (status = 200, description = "What to sign; nothing is changed yet", body = wire::Enrolment),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn statement(
    State(web): State<Web>,
    PersonCaller(_): PersonCaller,
    Path(id): Path<String>,
    body: Strict<wire::Vouch>,
) -> Result<Json<wire::Enrolment>, Problem> {
    let by = digest("/by", &body.value.by)?;
    let now = web.engine.now();
    let enrolment = web.engine.authority().enrolment(digest("id", &id)?, by, now).await?;
    let statement = enrolment.text();
    let challenge = Domain::Enrolment.challenge(statement.as_bytes());
    Ok(Json(wire::Enrolment {
        namespace: Domain::Enrolment.tag().into(),
        challenge: Base64Url::from(&challenge.as_bytes()[..]).to_string(),
        statement,
    }))
}

/// Vouch for somebody's key: send what was signed.
#[utoipa::path(post, path = "/v1/keys/{id}/countersignatures", tag = "people",
    params(("id" = String, Path, description = "The key to vouch for, by its id")),
    request_body(content = wire::Countersign),
    responses(
        (status = 200, description = "The key, enrolled", body = wire::Key),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn countersign(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
    body: Strict<wire::Countersign>,
) -> Result<Json<wire::Key>, Problem> {
    let wire::Countersign { statement, proof } = body.value;
    let proof =
        serde_json::from_value(proof).map_err(|bad| Problem::field("/proof", bad.to_string()))?;
    let (id, authority) = (digest("id", &id)?, web.engine.authority());
    let countersignature = Countersignature { statement, proof };
    authority.countersign(&person, id, &countersignature, web.engine.now()).await?;
    let directory = authority.directory().await?;
    Ok(Json(view(&id, known(&directory, id)?)))
}

/// Revoke a key: one's own, or with the role `owner` anybody's. What it signed stays signed.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "people",
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "Revoked"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn revoke(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (id, authority) = (digest("id", &id)?, web.engine.authority());
    let directory = authority.directory().await?;
    let owner = &known(&directory, id)?.person;
    authority.revoke_key((&person).into(), owner, id, web.engine.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn known(directory: &Directory, id: Digest) -> Result<&Key, Problem> {
    let gone = || Problem::new(problem::NOT_FOUND, format!("there is no key {id}"));
    directory.key(id).filter(|key| key.is_in_force()).ok_or_else(gone)
}

fn digest(field: &str, text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|_| Problem::field(field, "is not the id of a key"))
}

/// A key as callers see it.
pub fn view(id: &Digest, key: &Key) -> wire::Key {
    let (standing, countersigned_by) = match &key.standing {
        Standing::Offered => ("offered", None),
        Standing::Enrolled { countersigned, .. } => {
            let by = match countersigned {
                Countersigned::First => None,
                Countersigned::Reviewer { name, .. } => Some(name.to_string()),
                Countersigned::Organisation { .. } => Some("the organisation".into()),
            };
            ("enrolled", by)
        }
    };
    let kind = match &key.key {
        PersonKey::Passkey(_) => "passkey",
        PersonKey::Ssh(_) => "ssh",
    };
    wire::Key {
        id: id.to_string(),
        person: key.person.to_string(),
        kind: kind.into(),
        fingerprint: key.key.fingerprint(),
        standing: standing.into(),
        countersigned_by,
    }
}
