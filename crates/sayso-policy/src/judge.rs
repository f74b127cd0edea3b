//! From the rules that apply to one verdict: the strictest on every axis.

use sayso_core::{RouteName, SilentLimit, Tier, Verdict};

use crate::policy::Policy;
use crate::rule::{LEAST_UNHEARD, Rule, Terms};
use crate::truth::Truth;

/// The verdict on an action, from whether each rule applies to it.
///
/// A rule that may or may not apply counts wherever that is stricter. Axes are joined by maximum
/// and minimum, so with a rule that surely applies the strictest of all resolutions is the one in
/// which every unknown rule applies too. Without one, no rule at all might apply: then the
/// defaults count among the rules.
pub(crate) fn judge<'a>(
    policy: &Policy,
    rules: impl Iterator<Item = (&'a Rule, Truth)>,
) -> Verdict {
    let mut applying = Vec::new();
    let mut sure = false;
    for (rule, truth) in rules {
        match truth {
            Truth::No => continue,
            Truth::Unknown => {}
            Truth::Yes => sure = true,
        }
        applying.push(rule);
    }
    let defaults = Terms::of_tier(policy.default_tier, policy.default_window);
    let terms: Vec<&Terms> =
        applying.iter().map(|rule| &rule.terms).chain((!sure).then_some(&defaults)).collect();
    let tier = terms.iter().map(|terms| terms.tier).max().unwrap_or(Tier::Hard);
    let rule = applying.iter().find(|rule| rule.terms.tier == tier);
    join(policy, tier, &terms, rule.copied(), route(tier, &applying))
}

/// The verdict on a question, which has no action that a rule could match.
pub(crate) fn question(policy: &Policy, tier: Tier) -> Verdict {
    let terms = Terms::of_tier(tier, policy.default_window);
    join(policy, tier, &[&terms], None, RouteName::everyone())
}

fn join(
    policy: &Policy,
    tier: Tier,
    terms: &[&Terms],
    rule: Option<&Rule>,
    route: RouteName,
) -> Verdict {
    let window =
        terms.iter().filter_map(|terms| terms.window).max().unwrap_or(policy.default_window);
    Verdict {
        tier,
        rule: rule.map(|rule| rule.name.clone()),
        window,
        unheard_after: terms
            .iter()
            .filter_map(|terms| terms.unheard_after)
            .min()
            .unwrap_or(window.max(LEAST_UNHEARD)),
        quorum: terms.iter().map(|terms| terms.quorum).max().unwrap_or(std::num::NonZeroU8::MIN),
        silent_limit: terms
            .iter()
            .filter_map(|terms| terms.silent_limit)
            .reduce(SilentLimit::stricter)
            .unwrap_or(SilentLimit::DEFAULT),
        route,
        policy: policy.hash,
    }
}

/// The route of the strictest rule that names one; of several like it, that of the first by name.
/// The route of an fyi rule carries notices only: it has no say where people are asked.
fn route(tier: Tier, applying: &[&Rule]) -> RouteName {
    applying
        .iter()
        .filter(|rule| rule.terms.tier > Tier::Fyi || tier == Tier::Fyi)
        .filter_map(|rule| Some((rule.terms.tier, rule.terms.route.as_ref()?)))
        .max_by(|(tier, route), (other_tier, other)| tier.cmp(other_tier).then(other.cmp(route)))
        .map_or_else(RouteName::everyone, |(_, route)| route.clone())
}
