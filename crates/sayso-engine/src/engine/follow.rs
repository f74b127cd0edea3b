//! What the engine follows by itself: the policy file, where agents want to be called, who may do
//! what, and what other servers on the same database commit.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Inner};

/// How often it is looked where agents want to be called.
const CALLBACK_LOOK: Duration = Duration::from_secs(2);
/// How often it is looked whether anybody's authority has changed.
const AUTHORITY_LOOK: Duration = Duration::from_secs(1);
/// How often the policy file is looked at.
const POLICY_LOOK: Duration = Duration::from_millis(500);

/// Puts the policy file's changes into force.
pub(super) async fn policy(engine: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(POLICY_LOOK).await;
        let Some(inner) = engine.upgrade() else { return };
        let Some(found) = inner.policy.look() else { continue };
        let (engine, hash) = (Engine { inner }, found.policy.hash());
        if let Err(error) = engine.record_policy(&found.policy).await {
            tracing::warn!(policy = %hash, %error, "a new policy can't be recorded; the old one stays");
            engine.inner.policy.forget();
        } else if engine.inner.policy.bring(found) {
            tracing::info!(policy = %hash, "a new policy is in force");
        } else {
            engine.record_present_policy().await;
        }
    }
}

/// Looks where agents want to be called: the command line changes it beside us.
pub(super) async fn callbacks(engine: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(CALLBACK_LOOK).await;
        let Some(inner) = engine.upgrade() else { return };
        let shared = &inner.shared;
        if let Err(error) = shared.callbacks.look(&*shared.store).await {
            tracing::warn!(%error, "can't tell where agents want to be called");
        }
    }
}

/// Looks who may do what: the command line changes it beside us, and what somebody no longer may
/// see must end.
pub(super) async fn authority(engine: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(AUTHORITY_LOOK).await;
        let Some(inner) = engine.upgrade() else { return };
        if let Err(error) = inner.authority.follow().await {
            tracing::warn!(%error, "can't tell whether anybody's authority has changed");
        }
        if let Err(error) = (Engine { inner }).follow_permit_keys().await {
            tracing::warn!(%error, "can't tell whether permits are signed with another key");
        }
    }
}

/// Wakes waiters and streams for what other servers on the same database commit from entry `next`
/// on.
pub(super) async fn others(engine: std::sync::Weak<Inner>, mut next: u64) {
    let mut until = next;
    loop {
        let Some(store) = engine.upgrade().map(|inner| Arc::clone(&inner.shared.store)) else {
            return;
        };
        let news = tokio::select! {
            // What could not be read is told a little later.
            () = tokio::time::sleep(Duration::from_secs(1)), if next < until => Ok(until),
            news = store.elsewhere() => news,
            // So that the store of a dropped engine is let go of.
            () = tokio::time::sleep(Duration::from_secs(5)) => continue,
        };
        let Some(inner) = engine.upgrade() else { return };
        match news {
            Ok(news) => {
                until = until.max(news);
                inner.shared.heads.grown_elsewhere.notify_one();
                next = Engine { inner }.tell_elsewhere(next, until).await;
            }
            Err(error) => {
                tracing::warn!(%error, "can't hear of other servers' commits");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

impl Engine {
    async fn tell_elsewhere(&self, mut next: u64, until: u64) -> u64 {
        use sayso_core::WorkspaceEvent;
        use sayso_store::Happened;
        while next < until {
            let Ok(entries) = self.store().entries(next, 500).await else { return next };
            let Some(last) = entries.last().map(|entry| entry.seq) else { return next };
            let mut published = Vec::with_capacity(entries.len());
            for entry in entries {
                match entry.happened {
                    Happened::Escalation { id, event, .. } => {
                        self.shared().waiters.settled(id);
                        let word = event.word();
                        published.push(crate::wake::Published {
                            seq: entry.seq,
                            word,
                            escalation: id,
                            record: None,
                        });
                    }
                    Happened::Workspace(WorkspaceEvent::Erased { escalation, .. }) => {
                        self.shared().at_hand.forget(escalation);
                    }
                    Happened::Workspace(_) => {
                        let _ = self.refresh_halts().await;
                        let _ = self.authority().follow().await;
                    }
                }
            }
            self.shared().waiters.publish(published);
            next = last + 1;
        }
        next
    }
}
