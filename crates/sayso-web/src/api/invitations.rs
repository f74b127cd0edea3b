//! `/v1/invitations`: whoever accepts one joins.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sayso_client::wire;
use sayso_core::directory::{Credential, Holder};

use super::body::Strict;
use super::caller::{PersonCaller, Reader};
use super::problem::Problem;
use super::terms::{credential, groups, roles};
use crate::Web;

/// The invitations that nobody has accepted yet. For whoever has any role.
#[utoipa::path(get, path = "/v1/invitations", tag = "people",
    responses((status = 200, description = "The invitations", body = wire::Invitations)),
    security(("reviewer" = [])))]
pub(super) async fn list(
    State(web): State<Web>,
    _: Reader,
) -> Result<Json<wire::Invitations>, Problem> {
    let (directory, now) = (web.engine.authority().directory().await?, web.engine.now());
    let mut items: Vec<_> = directory.credentials(now).filter_map(view).collect();
    items.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Json(wire::Invitations { items }))
}

/// Invite somebody. Takes the role `owner`. The link works once, for three days.
#[utoipa::path(post, path = "/v1/invitations", tag = "people",
    request_body(content = wire::Invite, example = json!({"roles": ["reviewer"]})),
    responses(
        (status = 201, description = "The invitation", body = wire::Invited),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn invite(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    body: Strict<wire::Invite>,
) -> Result<(StatusCode, Json<wire::Invited>), Problem> {
    let (roles, groups) = (roles(&body.value.roles)?, groups(&body.value.groups)?);
    let (authority, now) = (web.engine.authority(), web.engine.now());
    let invitation = authority.invite((&person).into(), &roles, &groups, now).await?;
    let invited = wire::Invited {
        id: invitation.id.to_string(),
        invite_url: format!("{}/join/{}", web.public_url, invitation.token.reveal()),
        until: invitation.until.to_string(),
    };
    Ok((StatusCode::CREATED, Json(invited)))
}

/// Take an invitation back. Takes the role `owner`.
#[utoipa::path(delete, path = "/v1/invitations/{id}", tag = "people",
    params(("id" = String, Path, description = "The invitation's id")),
    responses(
        (status = 204, description = "Taken back"),
        (status = "4XX", description = "Refused", body = wire::Problem,
         content_type = "application/problem+json"),
    ),
    security(("reviewer" = [])))]
pub(super) async fn end(
    State(web): State<Web>,
    PersonCaller(person): PersonCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (authority, now) = (web.engine.authority(), web.engine.now());
    authority.end_invitation((&person).into(), credential(&id)?, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(known: &Credential) -> Option<wire::Invitation> {
    let Holder::Invitation { roles, groups, by } = &known.holder else { return None };
    Some(wire::Invitation {
        id: known.id.to_string(),
        roles: roles.iter().map(|role| role.word().into()).collect(),
        groups: groups.iter().map(ToString::to_string).collect(),
        by: by.to_string(),
        until: known.until.map_or_else(String::new, |until| until.to_string()),
    })
}
