//! The policy as a whole.

use std::sync::Arc;

use sayso_core::{Action, AgentName, Digest, Period, RuleName, Tier, ToolName, Verdict};
use serde_json::Map;

use crate::call::Call;
use crate::error::PolicyError;
use crate::rule::Rule;
use crate::truth::Truth;
use crate::{judge, parse};

const BUILT_IN: &str = include_str!("built_in.toml");

/// A policy, checked and compiled. Immutable; share it in an `Arc`.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) text: Arc<str>,
    pub(crate) hash: Digest,
    pub(crate) default_tier: Tier,
    pub(crate) default_window: Period,
    pub(crate) rules: Box<[Rule]>,
}

impl Policy {
    /// The tier of what no rule names, unless the policy says otherwise.
    pub(crate) const DEFAULT_TIER: Tier = Tier::Hard;
    /// The window of soft rules that name none, unless the policy says otherwise.
    pub(crate) const DEFAULT_WINDOW: Period = Period::from_secs(900);

    /// Reads a policy file (TOML). An error lists everything that is wrong with it.
    ///
    /// At the top stand `default_tier` (hard) and `default_window` (15m), then any number of
    /// `[[rule]]`. A rule has a `tool` (a glob or a list of them), a `tier`, and perhaps:
    ///
    /// - `agent` and `server` (of MCP), like `tool`;
    /// - conditions, which all must hold: `args.PATH`, `resource` or `resource.PATH`, `context` or
    ///   `context.PATH` is a value, a glob, a list of those, or a table of operators (`over`,
    ///   `under`, `at_least`, `at_most`; `any`, `all`, `none`, `count_over`; `matches`; `missing`);
    /// - `unless`, a table of conditions on `args` and `resource`: when all of them hold, the rule
    ///   doesn't apply;
    /// - what it asks: `window`, `unheard_after`, `silent_limit`, `quorum`, `assurance`,
    ///   `permit_lasts`, `route`;
    /// - `mode = "shadow"`: it is looked at, but has no say;
    /// - `name`; without one it is called after its first glob.
    ///
    /// Globs know `*`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`, and match the whole of a text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// SHA-256 of the text: the policy's version, carried by every verdict.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a call needs of people.
    ///
    /// The strictest on each axis of all rules that match: highest tier, longest window, least
    /// time unheard, largest quorum, strongest assurance, lowest silent limit, shortest permit.
    /// `rule` is the first one in the file with
    /// that tier, and none if the tier is the default's. The route is that of the strictest rule
    /// that names one (of several, the first by name); rules of tier fyi have a say on it only
    /// where the tier is fyi.
    ///
    /// A condition that can't be evaluated counts in whatever way is stricter. Rules in shadow have
    /// no say.
    pub fn judge(&self, call: &Call<'_>) -> Verdict {
        let rules = self.rules.iter().filter(|rule| !rule.is_shadow);
        judge::judge(self, &judge::applying(rules, call))
    }

    /// What a call needs of people, and the rules of which it can't be told whether they apply to
    /// it: the call has something else where they look, or too much of it. They count where that
    /// is stricter. That a rule goes by the model's word, or by a server that is not known, is
    /// nothing to tell.
    pub fn judge_and_tell(&self, call: &Call<'_>) -> (Verdict, Vec<&RuleName>) {
        let rules = self.rules.iter().filter(|rule| !rule.is_shadow);
        let applying = judge::applying(rules, call);
        let untold = applying.iter().filter(|(rule, truth)| {
            *truth == Truth::Unknown && rule.names(call) == Truth::Yes && !rule.hears_the_model()
        });
        let untold = untold.map(|(rule, _)| &rule.name).collect();
        (judge::judge(self, &applying), untold)
    }

    /// What a call would need if the rules in shadow had their say; none, if there are none.
    pub fn judge_with_shadow(&self, call: &Call<'_>) -> Option<Verdict> {
        let has_shadow = self.rules.iter().any(|rule| rule.is_shadow);
        has_shadow.then(|| judge::judge(self, &judge::applying(self.rules.iter(), call)))
    }

    /// The least and the most tier that calls of a tool may get, whatever they are called with.
    pub fn outlook(
        &self,
        tool: &ToolName,
        agent: &AgentName,
        server: Option<&str>,
    ) -> (Tier, Tier) {
        let action = Action {
            tool: tool.clone(),
            arguments: Map::new(),
            resource: None,
            precondition: None,
        };
        let call = Call { server, ..Call::new(&action, agent) };
        let named = self.rules.iter().filter(|rule| !rule.is_shadow);
        let named = named.filter(|rule| rule.names(&call) != Truth::No);
        let (always, perhaps): (Vec<_>, Vec<_>) =
            named.partition(|rule| rule.size() == 0 && rule.names(&call) == Truth::Yes);
        let tiers = |rules: &[&Rule]| rules.iter().map(|rule| rule.terms.tier).collect::<Vec<_>>();
        let (always, perhaps) = (tiers(&always), tiers(&perhaps));
        let least = always.iter().max().copied();
        let default = least.is_none().then_some(self.default_tier);
        let all = || always.iter().chain(&perhaps).copied().chain(default);
        let least = least.or_else(|| all().min()).unwrap_or(self.default_tier);
        (least, all().max().unwrap_or(self.default_tier))
    }

    /// What a question of that tier needs: it has no action, so no rule matches it and the
    /// defaults hold.
    pub fn question(&self, tier: Tier) -> Verdict {
        judge::question(self, tier)
    }
}

impl Default for Policy {
    /// The policy of a Sayso that was given none: no rules, people approve everything.
    fn default() -> Self {
        Self {
            text: BUILT_IN.into(),
            hash: Digest::of(BUILT_IN.as_bytes()),
            default_tier: Self::DEFAULT_TIER,
            default_window: Self::DEFAULT_WINDOW,
            rules: Box::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_is_what_its_text_says() {
        let (built_in, read) = (Policy::default(), Policy::parse(BUILT_IN).unwrap());
        assert_eq!(read.hash, built_in.hash);
        assert_eq!(read.text, built_in.text);
        assert_eq!(read.default_tier, built_in.default_tier);
        assert_eq!(read.default_window, built_in.default_window);
        assert!(read.rules.is_empty() && built_in.rules.is_empty());
    }
}
