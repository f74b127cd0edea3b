//! Rules: when one applies, and what it asks of people.

use sayso_core::decision::Assurance;
use sayso_core::escalation::PERMIT_LASTS;
use sayso_core::{
    Digest, Needed, Period, RouteName, RuleName, SelfApproval, SilentLimit, Tier, Verdict,
};

use crate::call::Call;
use crate::condition::{Condition, Root};
use crate::effort::Effort;
use crate::glob::Glob;
use crate::truth::Truth;

/// A compiled rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: RuleName,
    pub(crate) tools: Box<[Glob]>,
    /// Every agent, if none.
    pub(crate) agents: Option<Box<[Glob]>>,
    /// Every server and none, if none.
    pub(crate) servers: Option<Box<[Glob]>>,
    pub(crate) conditions: Box<[Condition]>,
    /// The rule doesn't apply when all of these hold. Empty: it has no `unless`.
    pub(crate) unless: Box<[Condition]>,
    pub(crate) terms: Terms,
    /// It is looked at, but has no say.
    pub(crate) is_shadow: bool,
    /// The line of the text that it starts on, from 1.
    pub(crate) line: usize,
}

/// What a rule asks, on every axis. None: it has no say on that axis.
///
/// How silence counts is a matter of soft rules, so only those bring defaults for it: a notice to
/// everybody about `*` must not stretch the window of the one soft rule. In the same way only rules
/// that ask people bring defaults for how these approve. What a rule sets itself always counts.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) tier: Tier,
    pub(crate) window: Option<Period>,
    pub(crate) unheard_after: Option<Period>,
    pub(crate) silent_limit: Option<SilentLimit>,
    pub(crate) quorum: Needed,
    pub(crate) self_approval: Option<SelfApproval>,
    pub(crate) assurance: Option<Assurance>,
    pub(crate) permit_lasts: Option<Period>,
    pub(crate) route: Option<RouteName>,
}

/// The least time a soft escalation may stay unheard where no rule says how long.
pub(crate) const LEAST_UNHEARD: Period = Period::from_secs(60);

impl Terms {
    /// How strongly approvals must be tied to people where no rule says so.
    pub(crate) const ASSURANCE: Assurance = Assurance::Session;

    /// The same terms, with the defaults that a rule of this tier brings.
    pub(crate) fn with_defaults(mut self, default_window: Period) -> Self {
        if self.tier > Tier::Fyi {
            self.assurance.get_or_insert(Self::ASSURANCE);
            self.permit_lasts.get_or_insert(PERMIT_LASTS);
        }
        if self.tier != Tier::Soft {
            return self;
        }
        let window = self.window.unwrap_or(default_window);
        Self {
            window: Some(window),
            unheard_after: Some(self.unheard_after.unwrap_or(window.max(LEAST_UNHEARD))),
            silent_limit: Some(self.silent_limit.unwrap_or(SilentLimit::DEFAULT)),
            ..self
        }
    }

    /// What a verdict by these terms alone would ask, for comparing.
    pub(crate) fn alone(&self) -> Verdict {
        let window = self.window.unwrap_or(LEAST_UNHEARD);
        Verdict {
            tier: self.tier,
            rule: None,
            window,
            unheard_after: self.unheard_after.unwrap_or(window),
            quorum: self.quorum.clone(),
            self_approval: self.self_approval.unwrap_or(SelfApproval::Allowed),
            silent_limit: self.silent_limit.unwrap_or(SilentLimit::DEFAULT),
            assurance: self.assurance.unwrap_or(Self::ASSURANCE),
            permit_lasts: self.permit_lasts.unwrap_or(PERMIT_LASTS),
            route: self.route.clone().unwrap_or_else(RouteName::everyone),
            policy: Digest::of(b""),
        }
    }

    /// The terms of a tier that comes from no rule.
    pub(crate) fn of_tier(tier: Tier, default_window: Period) -> Self {
        Self {
            tier,
            window: None,
            unheard_after: None,
            silent_limit: None,
            quorum: Needed::ONE,
            self_approval: None,
            assurance: None,
            permit_lasts: None,
            route: None,
        }
        .with_defaults(default_window)
    }
}

impl Rule {
    /// Whether it is for calls of this tool, agent and server.
    pub(crate) fn names(&self, call: &Call<'_>) -> Truth {
        let one = |globs: &[Glob], name: &str| {
            globs.iter().any(|glob| glob.test(name, &mut Effort::for_name()) != Truth::No)
        };
        if !one(&self.tools, call.action.tool.as_str())
            || self.agents.as_ref().is_some_and(|agents| !one(agents, call.agent.as_str()))
        {
            return Truth::No;
        }
        match (&self.servers, call.server) {
            (None, _) => Truth::Yes,
            (Some(servers), Some(server)) => one(servers, server).into(),
            (Some(_), None) => Truth::Unknown,
        }
    }

    /// Whether its conditions hold, as far as can be told; each with that effort.
    pub(crate) fn holds(&self, call: &Call<'_>, effort: &Effort) -> Truth {
        let all = |conditions: &[Condition]| {
            Truth::all(conditions.iter().map(|condition| condition.test(call, effort)))
        };
        let holds = all(&self.conditions);
        if holds == Truth::No || self.unless.is_empty() {
            return holds;
        }
        holds.min(all(&self.unless).not())
    }

    /// Whether it looks at what the model says.
    pub(crate) fn hears_the_model(&self) -> bool {
        self.conditions.iter().any(|condition| condition.root == Root::Context)
    }

    /// How many conditions it has.
    pub(crate) fn size(&self) -> usize {
        self.conditions.len() + self.unless.len()
    }
}
