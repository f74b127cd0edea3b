//! `/v1/people`: who is here, and what they may do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use sayso_client::wire;
use sayso_core::directory::Member;
use sayso_core::{Directory, ReviewerName};

use super::body::Strict;
use super::caller::{PersonCaller, Reader};
use super::problem::Problem;
use super::terms::{groups, named, parsed, roles};
use crate::Web;

/// All people. For whoever has any role.
#[utoipa::path(get, path = "/v1/people", tag = "people",
    responses((status = 200, description = "The people", body = wire::People)),
    security(("reviewer" = [])))]
pub(super) async fn list(State(web): State<Web>, _: Reader) -> Result<Json<wire::People>, Problem> {
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let items = directory.people().map(|(name, member)| view(&directory, name, member, now));
    Ok(Json(wire::People { items: items.collect() }))
}

/// Add a person. Takes the role `owner`; an invitation is often better, since nobody else then
/// knows how they get in.
#[utoipa::path(post, path = "/v1/people", tag = "people",
    request_body(content = wire::AddPerson, example = json!({
        "name": "ana", "roles": ["reviewer"], "groups": ["security"],
    })),
    responses(
        (status = 201, description = "Added", body = wire::AddedPerson),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn add(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::AddPerson>,
) -> Result<(StatusCode, Json<wire::AddedPerson>), Problem> {
    let wire::AddPerson { name, roles: words, groups: names } = body.value;
    let name: ReviewerName = parsed("/name", &name)?;
    let (roles, groups, now) = (roles(&words)?, groups(&names)?, web.engine.now());
    let authority = web.engine.authority();
    let link = authority.add_person((&person).into(), name.clone(), &roles, &groups, now).await?;
    let login_url = format!("{}/login/{}", web.public_url, link.reveal());
    Ok((StatusCode::CREATED, Json(wire::AddedPerson { name: name.to_string(), login_url })))
}

/// One person. For whoever has any role.
#[utoipa::path(get, path = "/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "Their name")),
    responses(
        (status = 200, description = "The person", body = wire::Person),
        (status = 404, description = "Nobody of that name", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    _: Reader,
    Path(name): Path<String>,
) -> Result<Json<wire::Person>, Problem> {
    one(&web, &named(&name)?).await
}

/// Say what a person may do from now on. Takes the role `owner`.
#[utoipa::path(put, path = "/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "Their name")),
    request_body(content = wire::SetPerson),
    responses(
        (status = 200, description = "The person now", body = wire::Person),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn set(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
    body: Strict<wire::SetPerson>,
) -> Result<Json<wire::Person>, Problem> {
    let name = named(&name)?;
    let (roles, groups) = (roles(&body.value.roles)?, groups(&body.value.groups)?);
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.set_person((&person).into(), &name, &roles, &groups, now).await?;
    one(&web, &name).await
}

/// Remove a person, with all that they are known by. Takes the role `owner`.
#[utoipa::path(delete, path = "/v1/people/{name}", tag = "people",
    params(("name" = String, Path, description = "Their name")),
    responses(
        (status = 204, description = "Removed"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn remove(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.remove_person((&person).into(), &named(&name)?, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have somebody stand in for a person who is out: for that person, and for owners. It gives nobody
/// a role; where a rule leaves out who answers for an agent, it leaves out their stand-ins, too.
#[utoipa::path(put, path = "/v1/people/{name}/cover", tag = "people",
    params(("name" = String, Path, description = "Who is out")),
    request_body(content = wire::Cover, example = json!({
        "stand_in": "bo", "until": "2026-12-24T18:00:00Z",
    })),
    responses(
        (status = 200, description = "The one who stands in", body = wire::Person),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn cover(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(name): Path<String>,
    body: Strict<wire::Cover>,
) -> Result<Json<wire::Person>, Problem> {
    let (away, stand_in) = (named(&name)?, parsed("/stand_in", &body.value.stand_in)?);
    let (until, now): (Timestamp, _) = (parsed("/until", &body.value.until)?, web.engine.now());
    if until <= now {
        return Err(Problem::field("/until", "is over already"));
    }
    let authority = web.engine.authority();
    authority.set_cover((&person).into(), &away, &stand_in, until, now).await?;
    one(&web, &stand_in).await
}

/// End a cover: for either of the two, and for owners.
#[utoipa::path(delete, path = "/v1/people/{name}/cover/{stand_in}", tag = "people",
    params(
        ("name" = String, Path, description = "Who was out"),
        ("stand_in" = String, Path, description = "Who stood in"),
    ),
    responses(
        (status = 204, description = "Ended"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn uncover(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path((away, stand_in)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let (away, stand_in) = (named(&away)?, named(&stand_in)?);
    authority.end_cover((&person).into(), &away, &stand_in, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn one(web: &Web, name: &ReviewerName) -> Result<Json<wire::Person>, Problem> {
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let Some(member) = directory.person(name) else {
        let detail = format!("there is no reviewer {name}");
        return Err(Problem::new(super::problem::NOT_FOUND, detail));
    };
    Ok(Json(view(&directory, name, member, now)))
}

fn view(
    directory: &Directory,
    name: &ReviewerName,
    member: &Member,
    now: Timestamp,
) -> wire::Person {
    let away = directory.stands_in_for(name, now);
    wire::Person {
        name: name.to_string(),
        roles: member.roles.iter().map(|role| role.word().into()).collect(),
        groups: member.groups.iter().map(ToString::to_string).collect(),
        stands_in_for: away.iter().map(ToString::to_string).collect(),
        since: member.since.to_string(),
    }
}
