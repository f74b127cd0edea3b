//! Which changes are legal: who may make them, and whether they fit what there is.

use jiff::Timestamp;

use super::Directory;
use super::change::{By, Change, Countersigned, How, Sealed};
use super::entry::{Holder, Standing};
use super::illegal::IllegalChange;
use crate::credential::Role;
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, ReviewerName};

type Legal = Result<(), IllegalChange>;

/// Whether whoever makes the change may.
pub(super) fn may(directory: &Directory, by: &By, change: &Change, at: Timestamp) -> Legal {
    let needs = match by {
        By::Person(name) => by_person(directory, name, change)?,
        By::Operator => by_operator(change),
        By::FirstStart => on_first_start(directory, change),
        By::Provider(issuer) => by_provider(directory, issuer, change),
        By::Invitation(id) => return by_invitation(directory, *id, change, at),
    };
    match needs {
        None => Ok(()),
        Some(needs) => Err(IllegalChange::NotAllowed { by: by.clone(), needs }),
    }
}

const OWNER: &str = "the role \"owner\"";
const THEMSELVES: &str = "the person themselves";
const THEMSELVES_OR_OWNER: &str = "the person themselves, or the role \"owner\"";

/// What it takes beyond what a person has; nothing, if they may.
fn by_person(
    directory: &Directory,
    name: &ReviewerName,
    change: &Change,
) -> Result<Option<&'static str>, IllegalChange> {
    if directory.person(name).is_none() {
        return Err(IllegalChange::NoSuchPerson(name.clone()));
    }
    let owner = directory.is_owner(name);
    let own = |person: &ReviewerName| person == name;
    let (allowed, needs) = match change {
        Change::AgentAdded { .. }
        | Change::AgentChanged { .. }
        | Change::AgentKeyAdded { .. }
        | Change::AgentKeyEnds { .. }
        | Change::AgentRevoked { .. }
        | Change::CallbackSet { .. }
        | Change::AgentConfirms { .. }
        | Change::PersonAdded { .. }
        | Change::PersonChanged { .. }
        | Change::PersonRemoved { .. }
        | Change::Invited { .. }
        | Change::InvitationEnded { .. } => (owner, OWNER),
        Change::PermitKeyAdded { .. } => (false, "whoever works on the data itself"),
        Change::KeyOffered { person, .. } | Change::TokenIssued { person, .. } => {
            (own(person), THEMSELVES)
        }
        Change::KeyEnrolled { person, countersigned, .. } => {
            let vouches =
                matches!(countersigned, Countersigned::Reviewer { name: it, .. } if it == name);
            (own(person) || vouches, "the person themselves, or whoever vouches for the key")
        }
        Change::SessionOpened { person, how, .. } => {
            (own(person) && !matches!(how, How::Provider(_)), THEMSELVES)
        }
        Change::PersonLinked { name: person, .. }
        | Change::KeyRevoked { person, .. }
        | Change::LinkMade { person, .. } => (own(person) || owner, THEMSELVES_OR_OWNER),
        Change::CoverSet { away, .. } => (own(away) || owner, THEMSELVES_OR_OWNER),
        Change::CoverEnded { away, stand_in } => {
            (own(away) || own(stand_in) || owner, "either of the two, or the role \"owner\"")
        }
        Change::TokenRevoked { token: id } | Change::SessionClosed { session: id } => {
            (holds(directory, *id, name) || owner, THEMSELVES_OR_OWNER)
        }
    };
    Ok((!allowed).then_some(needs))
}

/// Whether a token or session is that person's. Of one that has ended nothing is known.
fn holds(directory: &Directory, id: CredentialId, name: &ReviewerName) -> bool {
    let hash = directory.hashes.get(&id);
    let credential = hash.and_then(|hash| directory.credentials.get(hash));
    credential.is_some_and(|credential| match &credential.holder {
        Holder::Token { person, .. } | Holder::Session { person, .. } => person == name,
        Holder::Agent(_) | Holder::Link { .. } | Holder::Invitation { .. } => false,
    })
}

/// The operator may do anything but be somebody: they can make a link, and that is on record.
fn by_operator(change: &Change) -> Option<&'static str> {
    matches!(change, Change::SessionOpened { .. }).then_some(THEMSELVES)
}

fn on_first_start(directory: &Directory, change: &Change) -> Option<&'static str> {
    const NOBODY: &str = "that nobody else is there yet";
    let alone = |name: &ReviewerName| {
        let first = directory.person(name).is_some_and(|it| it.added_by == By::FirstStart);
        first && directory.people.len() == 1
    };
    let allowed = match change {
        Change::PersonAdded { .. } => directory.people.is_empty(),
        Change::LinkMade { person, .. } | Change::TokenIssued { person, .. } => alone(person),
        _ => false,
    };
    (!allowed).then_some(NOBODY)
}

/// A provider answers for the people whom it knows.
fn by_provider(directory: &Directory, issuer: &str, change: &Change) -> Option<&'static str> {
    let linked = |name: &ReviewerName| {
        directory.person(name).is_some_and(|member| member.is_linked(issuer, None))
    };
    let allowed = match change {
        Change::PersonAdded { .. } => true,
        Change::PersonLinked { name, issuer: to, .. } => {
            let own = directory.person(name).map(|member| &member.added_by);
            to == issuer && own == Some(&By::Provider(issuer.into()))
        }
        Change::PersonChanged { name, .. } | Change::PersonRemoved { name } => linked(name),
        Change::SessionOpened { person, how: How::Provider(by), .. } => {
            by == issuer && linked(person)
        }
        Change::SessionClosed { session: id } | Change::TokenRevoked { token: id } => {
            directory.people.keys().any(|name| linked(name) && holds(directory, *id, name))
        }
        _ => false,
    };
    (!allowed).then_some("a person whom it knows")
}

fn by_invitation(directory: &Directory, id: CredentialId, change: &Change, at: Timestamp) -> Legal {
    let Change::PersonAdded { roles, groups, .. } = change else {
        let by = By::Invitation(id);
        return Err(IllegalChange::NotAllowed { by, needs: "more than an invitation" });
    };
    match directory.credential(id, at).map(|invitation| &invitation.holder) {
        Some(Holder::Invitation { roles: r, groups: g, .. }) if r == roles && g == groups => Ok(()),
        Some(Holder::Invitation { .. }) => Err(IllegalChange::OtherTerms),
        _ => Err(IllegalChange::NotInForce { what: "invitation", id }),
    }
}

/// Whether the change fits what there is.
pub(super) fn fits(directory: &Directory, change: &Change, at: Timestamp) -> Legal {
    match change {
        Change::AgentAdded { name, owner, .. } => match directory.agent(name) {
            Some(_) => Err(IllegalChange::AgentExists(name.clone())),
            None => owner.as_ref().map_or(Ok(()), |owner| person(directory, owner)),
        },
        Change::AgentChanged { name, owner, .. } => {
            agent(directory, name)?;
            owner.as_ref().map_or(Ok(()), |owner| person(directory, owner))
        }
        Change::AgentKeyAdded { agent: name, key } => {
            agent(directory, name)?;
            fresh(directory, *key)
        }
        Change::AgentKeyEnds { key, until } => match directory.credential(*key, at) {
            Some(known) if matches!(known.holder, Holder::Agent(_)) => match known.until {
                Some(end) if end < *until => Err(IllegalChange::PutOff(*key)),
                Some(_) | None => Ok(()),
            },
            _ => Err(IllegalChange::NotInForce { what: "key", id: *key }),
        },
        Change::AgentRevoked { name }
        | Change::CallbackSet { agent: name, .. }
        | Change::AgentConfirms { agent: name, .. } => agent(directory, name),
        Change::PermitKeyAdded { kid } => {
            match directory.permit_keys.iter().any(|(known, _)| known == kid) {
                true => Err(IllegalChange::PermitKeyKnown(*kid)),
                false => Ok(()),
            }
        }
        Change::PersonAdded { name, .. } => match directory.person(name) {
            Some(_) => Err(IllegalChange::PersonExists(name.clone())),
            None => Ok(()),
        },
        Change::PersonChanged { name, roles, .. } => {
            person(directory, name)?;
            if roles.contains(&Role::Owner) { Ok(()) } else { not_last_owner(directory, name) }
        }
        Change::PersonLinked { name, issuer, subject } => {
            person(directory, name)?;
            match directory.linked(issuer, subject) {
                None => Ok(()),
                Some(_) => Err(IllegalChange::LinkedAlready {
                    issuer: issuer.clone(),
                    subject: subject.clone(),
                }),
            }
        }
        Change::PersonRemoved { name } => {
            person(directory, name)?;
            not_last_owner(directory, name)
        }
        Change::Invited { invitation, .. } => fresh(directory, *invitation),
        Change::InvitationEnded { invitation: id } => {
            ends(directory, *id, "invitation", at, |it| matches!(it, Holder::Invitation { .. }))
        }
        Change::CoverSet { away, stand_in, .. } => {
            person(directory, away)?;
            person(directory, stand_in)?;
            if away == stand_in { Err(IllegalChange::OwnCover) } else { Ok(()) }
        }
        Change::CoverEnded { away, stand_in } => {
            let known = |it: &super::Cover| it.away == *away && it.stand_in == *stand_in;
            match directory.covers.iter().any(known) {
                true => Ok(()),
                false => Err(IllegalChange::NoSuchCover {
                    away: away.clone(),
                    stand_in: stand_in.clone(),
                }),
            }
        }
        Change::KeyOffered { person: name, key } => {
            person(directory, name)?;
            let id = key.id();
            if directory.key(id).is_some() { Err(IllegalChange::KeyKnown(id)) } else { Ok(()) }
        }
        Change::KeyEnrolled { person, key, countersigned } => {
            enrols(directory, person, *key, countersigned)
        }
        Change::KeyRevoked { person, key } => owned(directory, person, *key).map(|_| ()),
        Change::TokenIssued { token, person: name, .. } => {
            person(directory, name)?;
            fresh(directory, *token)
        }
        Change::TokenRevoked { token: id } => {
            ends(directory, *id, "token", at, |it| matches!(it, Holder::Token { .. }))
        }
        Change::LinkMade { link, person: name, .. } => {
            person(directory, name)?;
            fresh(directory, *link)
        }
        Change::SessionOpened { session, person: name, how, .. } => {
            person(directory, name)?;
            opens(directory, name, how, at)?;
            fresh(directory, *session)
        }
        Change::SessionClosed { session: id } => {
            ends(directory, *id, "session", at, |it| matches!(it, Holder::Session { .. }))
        }
    }
}

fn person(directory: &Directory, name: &ReviewerName) -> Legal {
    match directory.person(name) {
        Some(_) => Ok(()),
        None => Err(IllegalChange::NoSuchPerson(name.clone())),
    }
}

fn agent(directory: &Directory, name: &AgentName) -> Legal {
    match directory.agent(name) {
        Some(_) => Ok(()),
        None => Err(IllegalChange::NoSuchAgent(name.clone())),
    }
}

fn fresh(directory: &Directory, Sealed { id, hash }: Sealed) -> Legal {
    let taken = directory.hashes.contains_key(&id) || directory.credentials.contains_key(&hash);
    if taken { Err(IllegalChange::Taken(id)) } else { Ok(()) }
}

fn ends(
    directory: &Directory,
    id: CredentialId,
    what: &'static str,
    at: Timestamp,
    is: impl Fn(&Holder) -> bool,
) -> Legal {
    match directory.credential(id, at) {
        Some(known) if is(&known.holder) => Ok(()),
        _ => Err(IllegalChange::NotInForce { what, id }),
    }
}

/// Whoever adds people must not be the last who can.
fn not_last_owner(directory: &Directory, name: &ReviewerName) -> Legal {
    let owners = directory.people.keys().filter(|person| directory.is_owner(person)).count();
    match directory.is_owner(name) && owners == 1 {
        true => Err(IllegalChange::LastOwner(name.clone())),
        false => Ok(()),
    }
}

fn owned<'a>(
    directory: &'a Directory,
    person: &ReviewerName,
    id: Digest,
) -> Result<&'a super::Key, IllegalChange> {
    let key = directory.key(id).filter(|key| key.person == *person && key.is_in_force());
    key.ok_or_else(|| IllegalChange::NoSuchKey { person: person.clone(), key: id })
}

fn enrols(
    directory: &Directory,
    person: &ReviewerName,
    id: Digest,
    countersigned: &Countersigned,
) -> Legal {
    match owned(directory, person, id)?.standing {
        Standing::Enrolled { .. } => return Err(IllegalChange::EnrolledAlready(id)),
        Standing::Offered => {}
    }
    match countersigned {
        Countersigned::First if directory.rooted => Err(IllegalChange::NotFirst),
        // It is to vouch for all others, and only a reviewer's does.
        Countersigned::First if !reviews(directory, person) => {
            Err(IllegalChange::FirstOfNoReviewer(person.clone()))
        }
        Countersigned::First | Countersigned::Organisation { .. } => Ok(()),
        Countersigned::Reviewer { name, key, statement: _ } => {
            let counts = owned(directory, name, *key).is_ok_and(super::Key::counts);
            match counts && reviews(directory, name) {
                true => Ok(()),
                false => Err(IllegalChange::NotCountersigned { name: name.clone(), key: *key }),
            }
        }
    }
}

fn reviews(directory: &Directory, name: &ReviewerName) -> bool {
    directory.person(name).is_some_and(|it| it.roles.contains(&Role::Reviewer))
}

/// Whether somebody could log in that way.
fn opens(directory: &Directory, name: &ReviewerName, how: &How, at: Timestamp) -> Legal {
    match how {
        How::Link(id) => match directory.credential(*id, at).map(|link| &link.holder) {
            Some(Holder::Link { person, .. }) if person == name => Ok(()),
            _ => Err(IllegalChange::NotInForce { what: "link", id: *id }),
        },
        // In the same moment as they joined, and at no other.
        How::Invitation(id) => match directory.person(name) {
            Some(it) if it.added_by == By::Invitation(*id) && it.since == at => Ok(()),
            _ => Err(IllegalChange::NotInForce { what: "invitation", id: *id }),
        },
        How::Passkey(key) => owned(directory, name, *key).map(|_| ()),
        How::Provider(issuer) => match directory.person(name) {
            Some(member) if member.is_linked(issuer, None) => Ok(()),
            _ => Err(IllegalChange::NoSuchPerson(name.clone())),
        },
    }
}
