//! The one way in which who may do what is changed: checked by the law, kept in one commit.

use std::sync::Arc;

use jiff::Timestamp;
use sayso_core::directory::{By, Change, Scope, Sealed};
use sayso_core::{AgentName, CredentialId, Digest, Directory, WorkspaceEvent};
use sayso_store::{Amendment, Body, Callback, Happened, NewEntry, Note, StoreError};

use super::{Actor, Authority, AuthorityError};

/// How often a change is tried while others make theirs.
const TRIES: usize = 32;

/// Changes to be made together.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) changes: Vec<(By, Change, Option<Vec<u8>>)>,
    pub(super) notes: Vec<Note>,
    pub(super) forgotten: Vec<CredentialId>,
    pub(super) callback: Option<(AgentName, Option<Callback>)>,
}

impl Draft {
    /// One change more.
    pub(super) fn add(&mut self, by: &By, change: Change) {
        self.changes.push((by.clone(), change, None));
    }

    /// One change more, with a text that is kept beside it.
    pub(super) fn add_with(&mut self, by: &By, change: Change, body: Vec<u8>) {
        self.changes.push((by.clone(), change, Some(body)));
    }

    /// Notes what somebody calls a new credential.
    pub(super) fn note(&mut self, Sealed { id, .. }: Sealed, label: &str) {
        self.notes.push(Note { id, label: label.to_owned(), used_at: None });
    }
}

/// A new credential's id, with its secret's hash.
pub(super) fn sealed(hash: Digest) -> Sealed {
    Sealed { id: fresh(), hash }
}

/// An id that nothing has yet.
pub(super) fn fresh() -> CredentialId {
    CredentialId::from_uuid(uuid::Uuid::now_v7())
}

impl Authority {
    /// Makes the changes that `draft` writes for the directory as it is, on that actor's word. It
    /// may be asked more than once, while others make changes of their own.
    pub(super) async fn amend<T>(
        &self,
        actor: Actor<'_>,
        now: Timestamp,
        draft: impl Fn(&Directory, &By) -> Result<(Draft, T), AuthorityError>,
    ) -> Result<T, AuthorityError> {
        let by = actor.by();
        self.amend_as(now, |directory| {
            if let Actor::Person(person) = actor
                && !Self::scopes(directory, person, now).contains(&Scope::Administer)
            {
                return Err(AuthorityError::Scope(Scope::Administer));
            }
            draft(directory, &by)
        })
        .await
    }

    /// The same, where the draft itself says by whom.
    pub(super) async fn amend_as<T>(
        &self,
        now: Timestamp,
        draft: impl Fn(&Directory) -> Result<(Draft, T), AuthorityError>,
    ) -> Result<T, AuthorityError> {
        for _ in 0..TRIES {
            self.follow().await?;
            let (directory, after) = {
                let state = self.inner.state();
                (Arc::clone(&state.directory), state.seen)
            };
            let (draft, value) = draft(&directory)?;
            let Draft { changes, notes, forgotten, callback } = draft;
            let mut trial = Directory::clone(&directory);
            let mut entries = Vec::with_capacity(changes.len());
            for (by, change, body) in changes {
                let event = WorkspaceEvent::AuthorityChanged { by, change: Box::new(change) };
                let index = trial.last() + 1;
                trial.apply(&event, now, index)?;
                let body = body.map(|content| Body { salt: crate::entropy(), content });
                entries.push(NewEntry { at: now, happened: Happened::Workspace(event), body });
            }
            if entries.is_empty() {
                return Ok(value);
            }
            let amendment = Amendment { after, entries, notes, forgotten, callback };
            match self.inner.store.amend(&amendment).await {
                Ok(_) => {
                    // It is kept, whatever becomes of looking; the next who asks looks again.
                    if let Err(error) = self.follow().await {
                        tracing::warn!(%error, "can't read what was just kept");
                    }
                    return Ok(value);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AuthorityError::Busy)
    }
}
