//! Calls that were made, so that none is made twice: what came of each is kept for whoever asks
//! again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::frame::Outcome;

/// How many results are kept.
const KEPT: usize = 1_000;

/// One call: nothing until it was made, then what came of it. Locked while it is being made.
pub(super) type Made = Arc<tokio::sync::Mutex<Option<Outcome>>>;

/// The calls of this session, by their escalation.
#[derive(Default)]
pub(super) struct Held {
    calls: Mutex<(HashMap<String, Made>, VecDeque<String>)>,
}

impl Held {
    /// The call of an escalation.
    pub(super) fn call(&self, escalation: &str) -> Made {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, order) = &mut *calls;
        if let Some(made) = made.get(escalation) {
            return Arc::clone(made);
        }
        if order.len() >= KEPT
            && let Some(oldest) = order.pop_front()
        {
            made.remove(&oldest);
        }
        order.push_back(escalation.to_owned());
        Arc::clone(made.entry(escalation.to_owned()).or_default())
    }
}
