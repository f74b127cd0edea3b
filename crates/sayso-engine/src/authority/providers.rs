//! Logging in on an identity provider's word, which also says what a person may do.
//!
//! Whom a provider added is what it says they are, brought up to date at each login. Whom somebody
//! else added and linked only comes in by it: their roles stay those that they were given here. A
//! name makes nobody anybody: who somebody is, issuer and subject say.

use jiff::Timestamp;
use sayso_core::credential::{Role, SessionToken};
use sayso_core::directory::{By, Change, Holder, How};
use sayso_core::{Directory, GroupName, ReviewerName};

use super::amend::{Draft, sealed};
use super::sessions::{Login, open};
use super::{Actor, Authority, AuthorityError};

/// Somebody by a provider's word.
#[derive(Clone, Debug)]
pub struct Vouched<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// What it calls them, for ever, and nobody else.
    pub subject: &'a str,
    /// What they would be called here if they are new.
    pub name: Option<&'a ReviewerName>,
    /// What they may do.
    pub roles: &'a [Role],
    /// The groups that they are in.
    pub groups: &'a [GroupName],
}

/// Why somebody whom a provider vouches for is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// None of their groups gives them a role.
    #[error("none of their groups gives them a role")]
    NoRole,
    /// They are new, and somebody else has their name.
    #[error("there is another person called {0}")]
    NameTaken(ReviewerName),
    /// They are new, and nothing that the provider calls them may be a name here.
    #[error("nothing that the provider calls them may be a name here")]
    NoName,
}

impl Authority {
    /// Logs in whom a provider vouches for; adds them if they are new and it gives them a role, and
    /// takes their roles, tokens and sessions away if it gives them none any more.
    pub async fn log_in_on_word(
        &self,
        vouched: &Vouched<'_>,
        browser: &str,
        now: Timestamp,
    ) -> Result<Result<Login, NotAdmitted>, AuthorityError> {
        let session = SessionToken::from_entropy(crate::entropy());
        let new = sealed(session.hash());
        let admitted = self
            .amend_as(now, |directory| {
                let mut draft = Draft::default();
                let admitted = bring_up_to_date(&mut draft, directory, vouched, now);
                if let Ok(name) = &admitted {
                    let how = How::Provider(vouched.issuer.to_owned());
                    open(&mut draft, name, new, &how, browser, now);
                }
                Ok((draft, admitted))
            })
            .await?;
        match admitted {
            Ok(_) => Ok(Ok(self.login(session, now).await?)),
            Err(not) => Ok(Err(not)),
        }
    }

    /// Has a provider's word be good for a person who is here already: they come in by it, and keep
    /// the roles that they were given here.
    pub async fn link_person(
        &self,
        actor: Actor<'_>,
        name: &ReviewerName,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            draft.add(by, linked(name, issuer, subject));
            Ok((draft, ()))
        })
        .await
    }
}

/// Who that is here, once the directory says what the provider says.
fn bring_up_to_date(
    draft: &mut Draft,
    directory: &Directory,
    vouched: &Vouched<'_>,
    now: Timestamp,
) -> Result<ReviewerName, NotAdmitted> {
    let by = By::Provider(vouched.issuer.to_owned());
    let (roles, groups) = (vouched.roles.to_vec(), vouched.groups.to_vec());
    let known = directory.linked(vouched.issuer, vouched.subject);
    let Some((name, member)) = known.and_then(|name| Some((name, directory.person(name)?))) else {
        if roles.is_empty() {
            return Err(NotAdmitted::NoRole);
        }
        let name = vouched.name.ok_or(NotAdmitted::NoName)?;
        // It may be the same human. But a name proves nothing, and one human as two people could
        // be a quorum of their own: somebody who knows must say.
        if directory.person(name).is_some() {
            return Err(NotAdmitted::NameTaken(name.clone()));
        }
        draft.add(&by, Change::PersonAdded { name: name.clone(), roles, groups });
        draft.add(&by, linked(name, vouched.issuer, vouched.subject));
        return Ok(name.clone());
    };
    let roles_now = if member.added_by == by { &roles } else { &member.roles };
    let left_out = roles_now.is_empty();
    if member.added_by == by && (member.roles != roles || member.groups != groups) {
        draft.add(&by, Change::PersonChanged { name: name.clone(), roles, groups });
    }
    if left_out {
        shut_out(draft, directory, &by, name, now);
        return Err(NotAdmitted::NoRole);
    }
    Ok(name.clone())
}

/// Ends what else somebody without a role is known by.
fn shut_out(
    draft: &mut Draft,
    directory: &Directory,
    by: &By,
    name: &ReviewerName,
    now: Timestamp,
) {
    for credential in directory.credentials(now) {
        let id = credential.id;
        let end = match &credential.holder {
            Holder::Token { person, .. } if person == name => Change::TokenRevoked { token: id },
            Holder::Session { person, .. } if person == name => {
                Change::SessionClosed { session: id }
            }
            Holder::Agent(_)
            | Holder::Token { .. }
            | Holder::Session { .. }
            | Holder::Link { .. }
            | Holder::Invitation { .. } => continue,
        };
        draft.add(by, end);
        draft.forgotten.push(id);
    }
}

fn linked(name: &ReviewerName, issuer: &str, subject: &str) -> Change {
    let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
    Change::PersonLinked { name: name.clone(), issuer, subject }
}
