//! Invitations: whoever holds one joins once, with the roles and groups that it says.

use jiff::Timestamp;
use sayso_core::credential::{InviteToken, Role, SessionToken};
use sayso_core::directory::{By, Change, Credential, Holder, How, IllegalChange};
use sayso_core::{CredentialId, GroupName, Period, ReviewerName};
use sayso_store::StoreError;

use super::amend::{Draft, sealed};
use super::sessions::{Login, open};
use super::{Actor, Authority, AuthorityError};

/// How long an invitation works.
const INVITATION_LASTS: Period = Period::from_secs(3 * 24 * 3_600);

/// A new invitation.
pub struct Invitation {
    /// Its id.
    pub id: CredentialId,
    /// Its secret, to be shown once.
    pub token: InviteToken,
    /// Until when it works.
    pub until: Timestamp,
}

impl Authority {
    /// Invites somebody.
    pub async fn invite(
        &self,
        actor: Actor<'_>,
        roles: &[Role],
        groups: &[GroupName],
        now: Timestamp,
    ) -> Result<Invitation, AuthorityError> {
        let token = InviteToken::from_entropy(crate::entropy());
        let invitation = sealed(token.hash());
        let until = INVITATION_LASTS.after(now);
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (roles, groups) = (roles.to_vec(), groups.to_vec());
            draft.add(by, Change::Invited { invitation, roles, groups, until });
            Ok((draft, ()))
        })
        .await?;
        Ok(Invitation { id: invitation.id, token, until })
    }

    /// Takes an invitation back.
    pub async fn end_invitation(
        &self,
        actor: Actor<'_>,
        invitation: CredentialId,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            draft.add(by, Change::InvitationEnded { invitation });
            Ok((draft, ()))
        })
        .await
    }

    /// What an invitation is for, if it works; that uses nothing up.
    pub async fn peek_invitation(
        &self,
        token: &InviteToken,
        now: Timestamp,
    ) -> Result<Option<Credential>, StoreError> {
        self.find(|directory| directory.invitation(token, now).cloned()).await
    }

    /// Uses up an invitation: adds whoever accepts it by the name that they chose, and opens a
    /// session in their browser. None, if the invitation does not work any more.
    pub async fn join(
        &self,
        token: &InviteToken,
        name: &ReviewerName,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<Login>, AuthorityError> {
        let session = SessionToken::from_entropy(crate::entropy());
        let joined = self.amend_as(now, |directory| {
            let Some(Credential { id, holder: Holder::Invitation { roles, groups, .. }, .. }) =
                directory.invitation(token, now)
            else {
                return Ok((Draft::default(), false));
            };
            let mut draft = Draft::default();
            let (roles, groups) = (roles.clone(), groups.clone());
            let added = Change::PersonAdded { name: name.clone(), roles, groups };
            draft.add(&By::Invitation(*id), added);
            open(&mut draft, name, sealed(session.hash()), &How::Invitation(*id), browser, now);
            Ok((draft, true))
        });
        match joined.await {
            Ok(true) => self.login(session, now).await.map(Some),
            Ok(false) | Err(AuthorityError::Illegal(IllegalChange::NotInForce { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
