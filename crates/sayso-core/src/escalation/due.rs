//! When to look at an escalation again.

use jiff::Timestamp;

use super::settled::PermitState;
use super::{Escalation, Pending, Phase, RECEIPT_WITHIN, Silence, Wait};
use crate::moment::{Heard, Moment};

/// When time itself will next change an escalation: on the wall clock, on the listening clock of
/// its route, or never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// On the wall clock.
    pub at: Option<Timestamp>,
    /// On the route's listening clock.
    pub heard: Option<Heard>,
}

impl Escalation {
    /// When to look again, as seen at `moment`. Recomputed after every event; kept nowhere else.
    pub fn due(&self, moment: &Moment) -> Due {
        match &self.phase {
            Phase::Settled(settled) => Due {
                at: match settled.permit() {
                    Some(PermitState::Started { at, receipt: None, .. }) => {
                        Some(RECEIPT_WITHIN.after(*at))
                    }
                    _ => None,
                },
                heard: None,
            },
            Phase::Pending(pending) => self.pending_due(pending, moment),
        }
    }

    fn pending_due(&self, pending: &Pending, moment: &Moment) -> Due {
        let expiry = Due { at: Some(self.expires_at), heard: None };
        if pending.frozen.is_some() {
            return expiry;
        }
        if let Some(take) = &pending.taken {
            return Due { at: Some(self.expires_at.min(take.until)), heard: None };
        }
        let Wait::Soft { silence, since } = &pending.wait else { return expiry };
        let unheard = self.verdict.unheard_after.after(silence.unheard_since(*since, moment));
        Due {
            at: Some(self.expires_at.min(unheard)),
            heard: match silence {
                Silence::Counting { from } => Some(from.plus(self.verdict.window)),
                Silence::Undelivered | Silence::Stopped { .. } => None,
            },
        }
    }
}

impl Silence {
    /// Since when nobody has heard it: now, while it is delivered and somebody listens.
    pub(super) fn unheard_since(self, since: Timestamp, moment: &Moment) -> Timestamp {
        let listening = match (self, moment.hearing.running) {
            (Self::Undelivered, true) => None,
            (Self::Counting { .. } | Self::Stopped { .. }, true) => Some(moment.at),
            (_, false) => moment.hearing.last,
        };
        listening.unwrap_or(since).max(since)
    }
}
