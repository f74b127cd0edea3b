//! People: their roles and groups, and who stands in for whom.

use jiff::Timestamp;
use sayso_core::credential::{LoginToken, ReviewerToken, Role};
use sayso_core::directory::{By, Change, Holder, Member, Scope};
use sayso_core::{CredentialId, Directory, GroupName, ReviewerName};
use sayso_store::StoreError;

use super::amend::{Draft, sealed};
use super::sessions::LOGIN_LASTS;
use super::{Actor, Authority, AuthorityError};

/// A new person's secrets.
pub struct NewPerson {
    /// The person.
    pub name: ReviewerName,
    /// Their token, to be shown once.
    pub token: ReviewerToken,
    /// Their one-time login link's secret.
    pub login: LoginToken,
}

impl Authority {
    /// Adds a person, who gets in by the one-time login link that this returns.
    pub async fn add_person(
        &self,
        actor: Actor<'_>,
        name: ReviewerName,
        roles: &[Role],
        groups: &[GroupName],
        now: Timestamp,
    ) -> Result<LoginToken, AuthorityError> {
        let login = LoginToken::from_entropy(crate::entropy());
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            draft.add(by, added(&name, roles, groups));
            draft.add(by, link(&name, &login, now));
            Ok((draft, ()))
        })
        .await?;
        Ok(login)
    }

    /// Adds a person with a token besides, or gives one who is there these roles and groups and new
    /// secrets besides their others. On the operator's word only: nobody else gives a token away.
    pub async fn add_or_renew_person(
        &self,
        name: ReviewerName,
        roles: &[Role],
        groups: &[GroupName],
        now: Timestamp,
    ) -> Result<NewPerson, AuthorityError> {
        let token = ReviewerToken::from_entropy(crate::entropy());
        let login = LoginToken::from_entropy(crate::entropy());
        self.amend(Actor::Operator, now, |directory, by| {
            let mut draft = Draft::default();
            match directory.person(&name) {
                None => draft.add(by, added(&name, roles, groups)),
                Some(member) => change(&mut draft, by, &name, member, roles, groups),
            }
            let new = sealed(token.hash());
            let (person, scopes) = (name.clone(), Scope::ALL.to_vec());
            draft.add(by, Change::TokenIssued { token: new, person, scopes, until: None });
            draft.note(new, "made with `sayso reviewer add`");
            draft.add(by, link(&name, &login, now));
            Ok((draft, ()))
        })
        .await?;
        Ok(NewPerson { name, token, login })
    }

    /// Changes what a person may do, and the groups that they are in.
    pub async fn set_person(
        &self,
        actor: Actor<'_>,
        name: &ReviewerName,
        roles: &[Role],
        groups: &[GroupName],
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let mut draft = Draft::default();
            // Whoever may not is told so, also where it would change nothing.
            directory.check(by, &changed(name, roles, groups), now)?;
            if let Some(member) = directory.person(name) {
                change(&mut draft, by, name, member, roles, groups);
            }
            Ok((draft, ()))
        })
        .await
    }

    /// Removes a person, with all that they are known by.
    pub async fn remove_person(
        &self,
        actor: Actor<'_>,
        name: &ReviewerName,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let forgotten = theirs(directory, name, now);
            let mut draft = Draft { forgotten, ..Draft::default() };
            draft.add(by, Change::PersonRemoved { name: name.clone() });
            Ok((draft, ()))
        })
        .await
    }

    /// Has somebody stand in for somebody who is out, until then.
    pub async fn set_cover(
        &self,
        actor: Actor<'_>,
        away: &ReviewerName,
        stand_in: &ReviewerName,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (away, stand_in) = (away.clone(), stand_in.clone());
            draft.add(by, Change::CoverSet { away, stand_in, until });
            Ok((draft, ()))
        })
        .await
    }

    /// Ends a cover.
    pub async fn end_cover(
        &self,
        actor: Actor<'_>,
        away: &ReviewerName,
        stand_in: &ReviewerName,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (away, stand_in) = (away.clone(), stand_in.clone());
            draft.add(by, Change::CoverEnded { away, stand_in });
            Ok((draft, ()))
        })
        .await
    }

    /// All people's names and roles.
    pub async fn people(&self) -> Result<Vec<(ReviewerName, Vec<Role>)>, StoreError> {
        let directory = self.directory().await?;
        let people = directory.people();
        Ok(people.map(|(name, member)| (name.clone(), member.roles.clone())).collect())
    }
}

fn added(name: &ReviewerName, roles: &[Role], groups: &[GroupName]) -> Change {
    let (roles, groups) = (roles.to_vec(), groups.to_vec());
    Change::PersonAdded { name: name.clone(), roles, groups }
}

fn changed(name: &ReviewerName, roles: &[Role], groups: &[GroupName]) -> Change {
    let (roles, groups) = (roles.to_vec(), groups.to_vec());
    Change::PersonChanged { name: name.clone(), roles, groups }
}

fn change(
    draft: &mut Draft,
    by: &By,
    name: &ReviewerName,
    member: &Member,
    roles: &[Role],
    groups: &[GroupName],
) {
    if member.roles != roles || member.groups != groups {
        draft.add(by, changed(name, roles, groups));
    }
}

fn link(name: &ReviewerName, login: &LoginToken, now: Timestamp) -> Change {
    let (link, person) = (sealed(login.hash()), name.clone());
    Change::LinkMade { link, person, until: LOGIN_LASTS.after(now) }
}

/// Everything that a person is known by.
fn theirs(directory: &Directory, name: &ReviewerName, now: Timestamp) -> Vec<CredentialId> {
    let theirs = directory.credentials(now).filter(|credential| match &credential.holder {
        Holder::Token { person, .. } | Holder::Session { person, .. } => person == name,
        Holder::Agent(_) | Holder::Link { .. } | Holder::Invitation { .. } => false,
    });
    theirs.map(|credential| credential.id).collect()
}
