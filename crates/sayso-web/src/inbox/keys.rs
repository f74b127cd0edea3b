//! `/inbox/keys`: a person's own keys, and those of others that nobody vouches for yet.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{Html, Redirect};
use jiff::Timestamp;
use sayso_core::directory::{Countersigned, Key, Standing};
use sayso_core::enrolment::Countersignature;
use sayso_core::signature::{Domain, Passkey, PersonKey, Proof, RelyingParty, SshKey};
use sayso_core::{Digest, Directory};
use sayso_engine::{PasskeyError, Purpose};

use super::board::Top;
use super::notice::{Notice, page};
use super::passkey::{self, Signed};
use super::text::Text;
use super::visitor::{Sent, Visitor};
use crate::Web;
use crate::api::problem::Problem;

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    top: Top,
    /// Where passkeys work, if not here.
    elsewhere: Option<String>,
    mine: Vec<Shown>,
    new: Option<New>,
    offered: Vec<Offered>,
}

/// A key on the page.
struct Shown {
    id: String,
    kind: &'static str,
    fingerprint: String,
    standing: String,
}

/// What a browser is asked for to make a passkey.
struct New {
    options: String,
    ticket: String,
}

/// A key that nobody vouches for.
struct Offered {
    person: Text,
    shown: Shown,
    way: Option<Vouch>,
}

/// How whoever looks at the page can vouch for it.
enum Vouch {
    /// It would be the first of all, and is theirs.
    First,
    /// With a passkey of theirs.
    Passkey(Signing),
}

/// What a browser is asked to sign.
struct Signing {
    options: String,
    statement: String,
}

/// Shows them.
pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Html<String>, Notice> {
    let (person, now) = (visitor.person.name(), web.engine.now());
    let directory = web.engine.authority().directory().await?;
    let in_force = || directory.keys().filter(|(_, key)| key.is_in_force());
    let own = || in_force().filter(|(_, key)| key.person == *person);
    let rp = passkey::relying_party(&web.public_url);

    let new = match &rp {
        Some(rp) => {
            let (ticket, challenge) = web.engine.challenge(Purpose::Registration(person))?;
            let known: Vec<_> = own().filter_map(|(_, key)| as_passkey(key)).collect();
            let options = passkey::creation(rp, &challenge, person, &known).to_string();
            Some(New { options, ticket: ticket.to_string() })
        }
        None => None,
    };
    let with = own().find(|(_, key)| key.counts() && as_passkey(key).is_some());
    let mut offered = Vec::new();
    for (id, key) in in_force().filter(|(_, key)| matches!(key.standing, Standing::Offered)) {
        let way = match (&rp, with) {
            (Some(rp), Some((by, voucher))) if visitor.decides() => {
                let enrolment = web.engine.authority().enrolment(*id, *by, now).await?;
                Some(Vouch::Passkey(signing(rp, voucher, enrolment.text())))
            }
            _ if key.person == *person && visitor.decides() && is_first(&directory) => {
                Some(Vouch::First)
            }
            _ => None,
        };
        let person = Text::new(key.person.as_str());
        offered.push(Offered { person, shown: shown(id, key, now), way });
    }
    Ok(page(&Keys {
        top: Top::of(&web, &visitor),
        elsewhere: passkey::elsewhere(&web.public_url, &headers, "/inbox/keys"),
        mine: own().map(|(id, key)| shown(id, key, now)).collect(),
        new,
        offered,
    }))
}

fn is_first(directory: &Directory) -> bool {
    directory.keys().all(|(_, key)| matches!(key.standing, Standing::Offered))
}

fn as_passkey(key: &Key) -> Option<&Passkey> {
    match &key.key {
        PersonKey::Passkey(passkey) => Some(passkey),
        PersonKey::Ssh(_) => None,
    }
}

fn signing(rp: &RelyingParty, voucher: &Key, statement: String) -> Signing {
    let challenge = Domain::Enrolment.challenge(statement.as_bytes());
    let with: Vec<_> = as_passkey(voucher).into_iter().collect();
    let options = passkey::request(rp, challenge.as_bytes(), &with).to_string();
    Signing { options, statement }
}

fn shown(id: &Digest, key: &Key, now: Timestamp) -> Shown {
    let kind = match &key.key {
        PersonKey::Passkey(_) => "Passkey",
        PersonKey::Ssh(key) if key.is_on_security_key() => "SSH key on a security key",
        PersonKey::Ssh(_) => "SSH key",
    };
    let standing = match &key.standing {
        Standing::Offered => "Nobody vouches for it yet: what it signs doesn’t count.".to_owned(),
        Standing::Enrolled { at, countersigned, .. } => {
            let since = sayso_core::Period::between(*at, now).about();
            match countersigned {
                Countersigned::First => format!("The first key of all, enrolled {since} ago."),
                Countersigned::Reviewer { name, .. } => {
                    format!("Enrolled {since} ago; {name} vouches for it.")
                }
                Countersigned::Organisation { .. } => {
                    format!("Enrolled {since} ago; the organisation vouches for it.")
                }
            }
        }
    };
    Shown { id: id.to_string(), kind, fingerprint: key.key.fingerprint(), standing }
}

/// Takes a new passkey.
pub(super) async fn register(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let rp = passkey::relying_party(&web.public_url).ok_or_else(Notice::no_passkeys)?;
    let made = fields.get("credential").ok_or_else(Notice::no_script)?;
    let made = passkey::registered(made).map_err(|_| Notice::unreadable_form())?;
    let ticket = passkey::ticket(&fields)?;
    web.engine.register_passkey(&visitor.person, &rp, &ticket, &made).await?;
    Ok(Redirect::to("/inbox/keys"))
}

/// Takes an SSH key.
pub(super) async fn add_ssh(
    State(web): State<Web>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let line = fields.get("public_key").unwrap_or_default();
    let key: SshKey =
        line.parse().map_err(|bad| Problem::field("/public_key", format!("The key: {bad}")))?;
    let (person, now) = (&visitor.person, web.engine.now());
    let key = PersonKey::Ssh(key);
    web.engine.authority().offer_key(person.into(), person.name(), &key, now).await?;
    Ok(Redirect::to("/inbox/keys"))
}

/// Revokes a key of one's own.
pub(super) async fn revoke(
    State(web): State<Web>,
    Path(id): Path<Digest>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let (person, now) = (&visitor.person, web.engine.now());
    web.engine.authority().revoke_key(person.into(), person.name(), id, now).await?;
    Ok(Redirect::to("/inbox/keys"))
}

/// Makes the first key of all count.
pub(super) async fn root(
    State(web): State<Web>,
    Path(id): Path<Digest>,
    Sent { visitor, .. }: Sent,
) -> Result<Redirect, Notice> {
    let person = &visitor.person;
    web.engine.authority().enrol_first(person.into(), id, web.engine.now()).await?;
    Ok(Redirect::to("/inbox/keys"))
}

/// Takes a countersignature.
pub(super) async fn countersign(
    State(web): State<Web>,
    Path(id): Path<Digest>,
    Sent { visitor, fields }: Sent,
) -> Result<Redirect, Notice> {
    let signed = fields.get("credential").ok_or_else(Notice::no_script)?;
    let signed = Signed::read(signed).map_err(|_| Notice::unreadable_form())?;
    let countersignature = Countersignature {
        statement: fields.get("statement").unwrap_or_default().to_owned(),
        proof: Proof::Passkey(signed.assertion),
    };
    let now = web.engine.now();
    web.engine.authority().countersign(&visitor.person, id, &countersignature, now).await?;
    Ok(Redirect::to("/inbox/keys"))
}

impl From<PasskeyError> for Notice {
    fn from(error: PasskeyError) -> Self {
        Problem::from(error).into()
    }
}

impl From<sayso_engine::NoTicket> for Notice {
    fn from(error: sayso_engine::NoTicket) -> Self {
        PasskeyError::from(error).into()
    }
}
