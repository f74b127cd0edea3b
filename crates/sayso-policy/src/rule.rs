//! Rules: when one applies, and what it asks of people.

use std::num::NonZeroU8;

use sayso_core::{Action, AgentName, Period, RouteName, RuleName, SilentLimit, Tier};
use serde_json::Value;

use crate::condition::Condition;
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
    pub(crate) conditions: Box<[Condition]>,
    /// The rule doesn't apply when all of these hold. Empty: it has no `unless`.
    pub(crate) unless: Box<[Condition]>,
    pub(crate) terms: Terms,
}

/// What a rule asks, on every axis. None: it has no say on that axis.
///
/// How silence counts is a matter of soft rules, so only those bring defaults for it: a notice to
/// everybody about `*` must not stretch the window of the one soft rule. What a rule sets itself
/// always counts.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) tier: Tier,
    pub(crate) window: Option<Period>,
    pub(crate) unheard_after: Option<Period>,
    pub(crate) silent_limit: Option<SilentLimit>,
    pub(crate) quorum: NonZeroU8,
    pub(crate) route: Option<RouteName>,
}

/// The least time a soft escalation may stay unheard where no rule says how long.
pub(crate) const LEAST_UNHEARD: Period = Period::from_secs(60);

impl Terms {
    /// The same terms, with the defaults that a soft rule brings.
    pub(crate) fn with_defaults(self, default_window: Period) -> Self {
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

    /// The terms of a tier that comes from no rule.
    pub(crate) fn of_tier(tier: Tier, default_window: Period) -> Self {
        Self {
            tier,
            window: None,
            unheard_after: None,
            silent_limit: None,
            quorum: NonZeroU8::MIN,
            route: None,
        }
        .with_defaults(default_window)
    }
}

impl Rule {
    /// Whether the rule applies, as far as can be told.
    pub(crate) fn applies(
        &self,
        action: &Action,
        agent: &AgentName,
        context: Option<&Value>,
    ) -> Truth {
        let named = |globs: &[Glob], name: &str| {
            globs.iter().any(|glob| glob.test(name, &mut Effort::for_name()) != Truth::No)
        };
        if !named(&self.tools, action.tool.as_str()) {
            return Truth::No;
        }
        if self.agents.as_ref().is_some_and(|agents| !named(agents, agent.as_str())) {
            return Truth::No;
        }
        let all = |conditions: &[Condition]| {
            Truth::all(conditions.iter().map(|condition| condition.test(action, context)))
        };
        let applies = all(&self.conditions);
        if applies == Truth::No || self.unless.is_empty() {
            return applies;
        }
        applies.min(all(&self.unless).not())
    }
}
