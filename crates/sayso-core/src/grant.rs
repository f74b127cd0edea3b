//! Grants: the only ways in which "yes" comes about.
//!
//! [`HardGrant`] is made of a [`Quorum`], a quorum of [`VerifiedDecision`]s and nothing else.
//! Silence makes a [`SoftGrant`] at most. A timer holds no verified decision, so no timer path
//! can name a hard grant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::{Assurance, VerifiedDecision};
use crate::digest::Digest;
use crate::name::{GroupName, ReviewerName};
use crate::period::Period;
use crate::quorum::Approver;
use crate::statement::Signed;
use crate::tier::Tier;
use crate::verdict::{SelfApproval, Verdict};

/// One approval that an escalation has so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub(crate) by: ReviewerName,
    pub(crate) digest: Digest,
    pub(crate) assurance: Assurance,
    /// Those of their groups that the quorum names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<GroupName>,
    /// Whether they answer for the agent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) own: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<Signed>,
}

impl Approval {
    /// What a person's decision to approve `digest` comes to, under a verdict and for an agent that
    /// those people answer for.
    pub(crate) fn of(
        decision: &VerifiedDecision,
        digest: Digest,
        verdict: &Verdict,
        answerable: &[ReviewerName],
    ) -> Self {
        let named = |group: &&GroupName| verdict.quorum.groups().contains_key(group);
        Self {
            by: decision.by().clone(),
            digest,
            assurance: decision.assurance(),
            groups: decision.groups().iter().filter(named).cloned().collect(),
            own: answerable.contains(decision.by()),
            signed: decision.signed(),
        }
    }

    /// Who approved.
    pub fn by(&self) -> &ReviewerName {
        &self.by
    }

    /// What they approved.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How strongly the approval is tied to them.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// Those of their groups that the quorum names.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    /// Whether they answer for the agent.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Their signature.
    pub fn signed(&self) -> Option<Signed> {
        self.signed
    }

    /// As a quorum counts them.
    pub fn approver(&self) -> Approver<'_> {
        Approver { name: &self.by, groups: &self.groups }
    }
}

/// Enough distinct people approved the same digest.
#[derive(Debug)]
pub struct Quorum {
    by: Vec<ReviewerName>,
    groups: BTreeMap<GroupName, Vec<ReviewerName>>,
    own: Vec<ReviewerName>,
    digest: Digest,
    assurance: Assurance,
    statements: Vec<Digest>,
}

impl Quorum {
    /// The quorum that `last` completes, if it does: those whom the verdict asks for, on one digest,
    /// `last` among them.
    pub(crate) fn completed(
        verdict: &Verdict,
        answerable: &[ReviewerName],
        digest: Digest,
        earlier: &[Approval],
        last: &VerifiedDecision,
    ) -> Option<Self> {
        let last = Approval::of(last, digest, verdict, answerable);
        let earlier = earlier.iter().filter(|approval| approval.digest == digest);
        let mut approvals: Vec<_> = earlier.chain([&last]).collect();
        approvals.sort_by(|one, other| one.by.cmp(&other.by));
        approvals.dedup_by(|one, other| one.by == other.by);
        let approvers: Vec<_> = approvals.iter().map(|approval| approval.approver()).collect();
        if !verdict.quorum.is_met_by(&approvers) {
            return None;
        }
        let assurance = approvals.iter().map(|approval| approval.assurance).min()?;
        let mut quorum = Self {
            by: Vec::new(),
            groups: BTreeMap::new(),
            own: Vec::new(),
            digest,
            assurance,
            statements: Vec::new(),
        };
        for approval in approvals {
            quorum.by.push(approval.by.clone());
            for group in &approval.groups {
                quorum.groups.entry(group.clone()).or_default().push(approval.by.clone());
            }
            quorum.own.extend(approval.own.then(|| approval.by.clone()));
            quorum.statements.extend(approval.signed.map(|signed| signed.statement));
        }
        Some(quorum)
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
    /// Who of them is in which of the groups that the quorum named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<GroupName, Vec<ReviewerName>>,
    /// Who of them answers for the agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own: Vec<ReviewerName>,
    digest: Digest,
    /// The weakest of their approvals.
    assurance: Assurance,
    /// The digests of the statements that they signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Digest>,
}

impl ByDecision {
    /// Whether these people are all that the verdict asks for.
    fn satisfies(&self, verdict: &Verdict) -> bool {
        let counts = |name: &ReviewerName| {
            verdict.self_approval == SelfApproval::Allowed || !self.own.contains(name)
        };
        let people = self.by.iter().filter(|name| counts(name));
        let groups: Vec<Vec<GroupName>> = people
            .clone()
            .map(|name| {
                let within = self.groups.iter().filter(|(_, members)| members.contains(name));
                within.map(|(group, _)| group.clone()).collect()
            })
            .collect();
        let approvers: Vec<_> =
            people.zip(&groups).map(|(name, groups)| Approver { name, groups }).collect();
        verdict.quorum.is_met_by(&approvers) && self.assurance >= verdict.assurance
    }
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

    fn people(&self) -> Option<&ByDecision> {
        match self {
            Self::Hard(people) | Self::Soft(Soft::Decision(people)) => Some(people),
            Self::Soft(Soft::Silence(_)) => None,
        }
    }

    /// The people behind it; nobody, for silence.
    pub fn by(&self) -> &[ReviewerName] {
        self.people().map_or(&[], |people| &people.by)
    }

    /// Those of them who answer for the agent: what they granted, they granted to themselves.
    pub fn own(&self) -> &[ReviewerName] {
        self.people().map_or(&[], |people| &people.own)
    }

    /// The digests of the statements that they signed.
    pub fn statements(&self) -> &[Digest] {
        self.people().map_or(&[], |people| &people.statements)
    }

    /// How strongly the weakest approval behind it is tied to its person; none, for silence.
    pub fn assurance(&self) -> Option<Assurance> {
        self.people().map(|people| people.assurance)
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
        match (verdict.tier, self) {
            (Tier::Fyi, _) => true,
            (Tier::Soft, Self::Soft(Soft::Silence(silence))) => silence.heard >= verdict.window,
            (Tier::Hard, Self::Soft(Soft::Silence(_))) => false,
            (Tier::Soft | Tier::Hard, Self::Hard(people) | Self::Soft(Soft::Decision(people))) => {
                people.satisfies(verdict)
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
        let Quorum { by, groups, own, digest, assurance, statements } = quorum;
        Self { by, groups, own, digest, assurance, statements }
    }
}
