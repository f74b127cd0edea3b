//! What a verdict consists of, axis by axis, and which way is stricter.

use std::cmp::Ordering;

use sayso_core::{Needed, SilentLimit, Tier, Verdict};
use serde::Serialize;

use crate::rule::Terms;

/// One thing that a policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Whether people are told, may object, or must approve.
    Tier,
    /// How much heard silence counts as consent.
    Window,
    /// How long it may stay unheard.
    UnheardAfter,
    /// How many silent grants there may be.
    SilentLimit,
    /// Which people must approve.
    Quorum,
    /// Whether those who answer for the agent may approve.
    SelfApproval,
    /// How strongly approvals are tied to people.
    Assurance,
    /// How long a permit can be redeemed.
    PermitLasts,
    /// Who is told.
    Route,
}

/// Which way something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less is asked than before.
    Looser,
    /// More is asked than before.
    Stricter,
    /// Others are asked.
    Other,
}

impl Axis {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Tier,
        Self::Window,
        Self::UnheardAfter,
        Self::SilentLimit,
        Self::Quorum,
        Self::SelfApproval,
        Self::Assurance,
        Self::PermitLasts,
        Self::Route,
    ];

    /// Its key in a policy.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tier => "tier",
            Self::Window => "window",
            Self::UnheardAfter => "unheard_after",
            Self::SilentLimit => "silent_limit",
            Self::Quorum => "quorum",
            Self::SelfApproval => "self_approval",
            Self::Assurance => "assurance",
            Self::PermitLasts => "permit_lasts",
            Self::Route => "route",
        }
    }

    /// Whether it matters at that tier: a notice waits for nobody, and hard for no silence.
    pub fn matters_at(self, tier: Tier) -> bool {
        match self {
            Self::Tier | Self::Route => true,
            Self::Window | Self::UnheardAfter | Self::SilentLimit => tier == Tier::Soft,
            Self::Quorum | Self::SelfApproval | Self::Assurance | Self::PermitLasts => {
                tier > Tier::Fyi
            }
        }
    }

    /// What a verdict says on it, as it is written in a policy.
    pub fn of(self, verdict: &Verdict) -> String {
        match self {
            Self::Tier => verdict.tier.word().to_owned(),
            Self::Window => verdict.window.to_string(),
            Self::UnheardAfter => verdict.unheard_after.to_string(),
            Self::SilentLimit => verdict.silent_limit.to_string(),
            Self::Quorum => verdict.quorum.to_string(),
            Self::SelfApproval => verdict.self_approval.word().to_owned(),
            Self::Assurance => verdict.assurance.word().to_owned(),
            Self::PermitLasts => verdict.permit_lasts.to_string(),
            Self::Route => verdict.route.to_string(),
        }
    }

    /// What a rule says on it, if it has a say.
    pub(crate) fn of_terms(self, terms: &Terms) -> Option<String> {
        match self {
            Self::Tier => Some(terms.tier.word().to_owned()),
            Self::Window => terms.window.map(|window| window.to_string()),
            Self::UnheardAfter => terms.unheard_after.map(|period| period.to_string()),
            Self::SilentLimit => terms.silent_limit.map(|limit| limit.to_string()),
            Self::Quorum => Some(terms.quorum.to_string()),
            Self::SelfApproval => terms.self_approval.map(|word| word.word().to_owned()),
            Self::Assurance => terms.assurance.map(|assurance| assurance.word().to_owned()),
            Self::PermitLasts => terms.permit_lasts.map(|period| period.to_string()),
            Self::Route => terms.route.as_ref().map(ToString::to_string),
        }
    }

    /// Which way a verdict changed on it, if it did and that matters. Where the tier changed, what
    /// matters at one of the two only is part of that.
    pub fn change(self, old: &Verdict, new: &Verdict) -> Option<Direction> {
        if !self.matters_at(old.tier) || !self.matters_at(new.tier) {
            return None;
        }
        if self == Self::Route {
            return (old.route != new.route).then_some(Direction::Other);
        }
        match self.strictness(new, old) {
            Ordering::Less => Some(Direction::Looser),
            Ordering::Equal => None,
            Ordering::Greater => Some(Direction::Stricter),
        }
    }

    /// How strict one verdict is, compared with another.
    pub(crate) fn strictness(self, one: &Verdict, other: &Verdict) -> Ordering {
        match self {
            Self::Tier => one.tier.cmp(&other.tier),
            Self::Window => one.window.cmp(&other.window),
            Self::UnheardAfter => other.unheard_after.cmp(&one.unheard_after),
            Self::SilentLimit => limits(one.silent_limit, other.silent_limit),
            Self::Quorum => quorums(&one.quorum, &other.quorum),
            Self::SelfApproval => one.self_approval.cmp(&other.self_approval),
            Self::Assurance => one.assurance.cmp(&other.assurance),
            Self::PermitLasts => other.permit_lasts.cmp(&one.permit_lasts),
            Self::Route => Ordering::Equal,
        }
    }
}

/// Of two quorums that ask different groups neither is stricter: whichever takes the other's place is
/// looser for some.
fn quorums(one: &Needed, other: &Needed) -> Ordering {
    match (one == other, one.covers(other)) {
        (true, _) => Ordering::Equal,
        (false, true) => Ordering::Greater,
        (false, false) => Ordering::Less,
    }
}

fn limits(one: SilentLimit, other: SilentLimit) -> Ordering {
    match (one == other, one.stricter(other) == one) {
        (true, _) => Ordering::Equal,
        (false, true) => Ordering::Greater,
        (false, false) => Ordering::Less,
    }
}
