//! An escalation with everything needed to show it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sayso_core::escalation::Subject;
use sayso_core::statement::SignedStatement;
use sayso_core::{Action, Escalation, EscalationId, Event, Question};
use sayso_store::{Kept, Past};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was asked, in full: the body of the event that proposed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// What the agent wants to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What the agent wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What the model says about it. Hostile text: never trusted, never markup.
    #[serde(default)]
    pub message: String,
    /// What the model shows with it. Hostile, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// The MCP server whose tool it is, as the gateway or the hook that asks knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// The body of an edit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Edited {
    pub(crate) action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<SignedStatement>,
}

/// The body of a decision or receipt.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Remark {
    /// What the person, or the executor, said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the person answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// What the person signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedStatement>,
}

/// An escalation, its history, and what was asked.
#[derive(Clone, Debug)]
pub struct Record {
    /// The state.
    pub escalation: Escalation,
    /// How it came to it.
    pub history: Vec<Arc<Past>>,
    /// What was asked, as it stands after any edit. Empty if it was erased.
    pub ask: Arc<Ask>,
}

impl Record {
    /// From what the store keeps.
    pub(crate) fn from_kept(kept: Kept) -> Self {
        let mut ask = Ask::default();
        for past in &kept.history {
            see(&mut ask, past);
        }
        Self {
            escalation: kept.escalation,
            history: kept.history.into_iter().map(Arc::new).collect(),
            ask: Arc::new(ask),
        }
    }

    /// After more has happened.
    pub(crate) fn after(&self, escalation: Escalation, more: Vec<Past>) -> Self {
        let mut ask = Arc::clone(&self.ask);
        for past in more.iter().filter(|past| matches!(past.event, Event::Edited { .. })) {
            see(Arc::make_mut(&mut ask), past);
        }
        let history = self.history.iter().cloned().chain(more.into_iter().map(Arc::new)).collect();
        Self { escalation, history, ask }
    }

    /// What people signed for the grant, as far as it was not erased.
    pub fn signed(&self) -> Vec<SignedStatement> {
        let settled = self.escalation.settled();
        let granted = settled.and_then(|settled| settled.granted.as_ref());
        let wanted = granted.map_or(&[][..], |granted| granted.grant.statements());
        let signed = self.history.iter().filter_map(|past| {
            let body = past.body.as_deref()?;
            match past.event {
                Event::Edited { .. } => serde_json::from_slice::<Edited>(body).ok()?.signed,
                Event::Approved { .. } => serde_json::from_slice::<Remark>(body).ok()?.signed,
                _ => None,
            }
        });
        signed.filter(|signed| wanted.contains(&signed.statement.digest())).collect()
    }

    /// The remark made with an event of its history, if there is one.
    pub fn remark(past: &Past) -> Option<Remark> {
        past.body.as_deref().and_then(|body| serde_json::from_slice(body).ok())
    }

    /// The answer to a question: what a person said, or the default that silence left standing.
    pub fn answer(&self) -> Option<Value> {
        let past =
            self.history.iter().rev().find(|past| matches!(past.event, Event::Answered { .. }))?;
        match (&past.event, self.escalation.subject()) {
            (Event::Answered { by: None, .. }, Subject::Question { default, .. }) => {
                default.clone()
            }
            _ => Self::remark(past)?.answer,
        }
    }

    fn size(&self) -> usize {
        let bodies = self.history.iter().filter_map(|past| past.body.as_ref());
        bodies.map(Vec::len).sum()
    }
}

fn see(ask: &mut Ask, past: &Past) {
    let Some(body) = &past.body else { return };
    match past.event {
        Event::Proposed { .. } => {
            if let Ok(asked) = serde_json::from_slice(body) {
                *ask = asked;
            }
        }
        Event::Edited { .. } => {
            if let Ok(Edited { action, .. }) = serde_json::from_slice(body) {
                ask.action = Some(action);
            }
        }
        _ => {}
    }
}

/// How many records are remembered at most, twice over.
const GENERATION: usize = 1_024;
/// Records with more text than this are read anew each time.
const BULKY: usize = 8 * 1_024;

/// The escalations at hand: those touched last, so that a busy one is not read from disk for
/// every step of its life. Two generations; the older is dropped when the younger is full.
#[derive(Default)]
pub(crate) struct AtHand {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<EscalationId, Arc<Record>>,
    old: HashMap<EscalationId, Arc<Record>>,
}

impl AtHand {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: EscalationId) -> Option<Arc<Record>> {
        let generations = self.lock();
        generations.young.get(&id).or_else(|| generations.old.get(&id)).cloned()
    }

    pub(crate) fn put(&self, record: &Arc<Record>) {
        let mut generations = self.lock();
        let id = record.escalation.id();
        if record.size() > BULKY {
            generations.young.remove(&id);
            generations.old.remove(&id);
            return;
        }
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(id, Arc::clone(record));
    }

    pub(crate) fn forget_all(&self) {
        *self.lock() = Generations::default();
    }

    pub(crate) fn forget(&self, id: EscalationId) {
        let mut generations = self.lock();
        generations.young.remove(&id);
        generations.old.remove(&id);
    }
}
