//! Grants: the only ways in which "yes" comes about.
//!
//! [`HardGrant`] is made of a [`Quorum`], a quorum of [`VerifiedDecision`]s and nothing else.
//! Silence makes a [`SoftGrant`] at most. A timer holds no verified decision, so no timer path
//! can name a hard grant.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::decision::{Assurance, VerifiedDecision};
use crate::digest::Digest;
use crate::name::ReviewerName;
use crate::period::Period;
use crate::tier::Tier;
use crate::verdict::Verdict;

/// One approval that an escalation has so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub(crate) by: ReviewerName,
    pub(crate) digest: Digest,
    pub(crate) assurance: Assurance,
}

impl Approval {
    /// Who approved.
    pub fn by(&self) -> &ReviewerName {
        &self.by
    }
}

/// Enough distinct people approved the same digest.
#[derive(Debug)]
pub struct Quorum {
    by: Vec<ReviewerName>,
    digest: Digest,
    assurance: Assurance,
}

impl Quorum {
    /// The quorum that `last` completes, if it does: `needed` distinct people on one digest,
    /// `last` among them.
    pub(crate) fn completed(
        needed: NonZeroU8,
        digest: Digest,
        earlier: &[Approval],
        last: &VerifiedDecision,
    ) -> Option<Self> {
        let earlier = || earlier.iter().filter(|approval| approval.digest == digest);
        let weakest = earlier().map(|approval| approval.assurance).min();
        let assurance = weakest.map_or(last.assurance(), |weakest| weakest.min(last.assurance()));
        let mut by: Vec<_> = earlier().map(|approval| approval.by.clone()).collect();
        by.push(last.by().clone());
        by.sort();
        by.dedup();
        (by.len() >= usize::from(needed.get())).then_some(Self { by, digest, assurance })
    }
}

/// A full window of silence in which somebody could have objected.
#[derive(Debug)]
pub struct HeardSilence {
    heard: Period,
    window: Period,
}

impl HeardSilence {
    /// The silence, if all of the window was heard.
    pub fn full(heard: Period, window: Period) -> Option<Self> {
        (heard >= window && window > Period::ZERO).then_some(Self { heard, window })
    }
}

/// A "yes" to a hard escalation.
#[derive(Debug)]
pub struct HardGrant {
    quorum: Quorum,
}

impl HardGrant {
    /// The only way to one: a quorum of people.
    pub fn new(quorum: Quorum) -> Self {
        Self { quorum }
    }
}

/// A "yes" to a soft escalation.
#[derive(Debug)]
pub enum SoftGrant {
    /// People approved before the window had passed.
    Decision(Quorum),
    /// The window passed in heard silence.
    Silence(HeardSilence),
}

/// Why something was granted. The two are never mixed up, in types, storage, API or UI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// A quorum of people.
    Decision,
    /// Heard silence of a full window.
    Silence,
}

impl Basis {
    /// The basis's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Silence => "silence",
        }
    }
}

/// A grant as it is recorded. A hard one has no field for silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tier", rename_all = "lowercase")]
pub enum Grant {
    /// A hard escalation was granted.
    Hard(ByDecision),
    /// A soft escalation was granted.
    Soft(Soft),
}

/// A soft grant as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "lowercase")]
pub enum Soft {
    /// By people.
    Decision(ByDecision),
    /// By silence.
    Silence(BySilence),
}

/// The people behind a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByDecision {
    by: Vec<ReviewerName>,
    digest: Digest,
    /// The weakest of their approvals.
    assurance: Assurance,
}

/// The silence behind a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BySilence {
    heard: Period,
    window: Period,
}

impl Grant {
    /// Why it was granted.
    pub fn basis(&self) -> Basis {
        match self {
            Self::Hard(_) | Self::Soft(Soft::Decision(_)) => Basis::Decision,
            Self::Soft(Soft::Silence(_)) => Basis::Silence,
        }
    }

    /// The tier it was granted under.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Hard(_) => Tier::Hard,
            Self::Soft(_) => Tier::Soft,
        }
    }

    /// The people behind it; nobody, for silence.
    pub fn by(&self) -> &[ReviewerName] {
        match self {
            Self::Hard(people) | Self::Soft(Soft::Decision(people)) => &people.by,
            Self::Soft(Soft::Silence(_)) => &[],
        }
    }

    /// How strongly the weakest approval behind it is tied to its person; none, for silence.
    pub fn assurance(&self) -> Option<Assurance> {
        match self {
            Self::Hard(people) | Self::Soft(Soft::Decision(people)) => Some(people.assurance),
            Self::Soft(Soft::Silence(_)) => None,
        }
    }

    /// The silence behind it, as (heard, window); none, for people.
    pub fn silence(&self) -> Option<(Period, Period)> {
        match self {
            Self::Hard(_) | Self::Soft(Soft::Decision(_)) => None,
            Self::Soft(Soft::Silence(silence)) => Some((silence.heard, silence.window)),
        }
    }

    /// Whether it gives all that `verdict` asks for: the test that today's policy makes at redeem.
    pub fn satisfies(&self, verdict: &Verdict) -> bool {
        match (verdict.tier, self.silence()) {
            (Tier::Fyi, _) => true,
            (Tier::Soft, Some((heard, _))) => heard >= verdict.window,
            (Tier::Hard, Some(_)) => false,
            (Tier::Soft | Tier::Hard, None) => {
                self.by().len() >= usize::from(verdict.quorum.get())
                    && self.assurance() >= Some(verdict.assurance)
            }
        }
    }
}

impl From<HardGrant> for Grant {
    fn from(grant: HardGrant) -> Self {
        Self::Hard(grant.quorum.into())
    }
}

impl From<SoftGrant> for Grant {
    fn from(grant: SoftGrant) -> Self {
        Self::Soft(match grant {
            SoftGrant::Decision(quorum) => Soft::Decision(quorum.into()),
            SoftGrant::Silence(HeardSilence { heard, window }) => {
                Soft::Silence(BySilence { heard, window })
            }
        })
    }
}

impl From<Quorum> for ByDecision {
    fn from(quorum: Quorum) -> Self {
        Self { by: quorum.by, digest: quorum.digest, assurance: quorum.assurance }
    }
}
