//! From the rules that apply to one verdict: the strictest on every axis.

use sayso_core::escalation::PERMIT_LASTS;
use sayso_core::{Needed, RouteName, SelfApproval, SilentLimit, Tier, Verdict};

use crate::call::Call;
use crate::effort::Effort;
use crate::policy::Policy;
use crate::rule::{LEAST_UNHEARD, Rule, Terms};
use crate::truth::Truth;

/// Those of the rules that may apply to a call, and whether they do. All conditions together get a
/// bounded effort, shared out evenly, so that the order of rules makes no difference.
pub(crate) fn applying<'p>(
    rules: impl Iterator<Item = &'p Rule>,
    call: &Call<'_>,
) -> Vec<(&'p Rule, Truth)> {
    let named = rules.map(|rule| (rule, rule.names(call)));
    let mut applying: Vec<_> = named.filter(|(_, named)| *named != Truth::No).collect();
    let effort = Effort::share_of(applying.iter().map(|(rule, _)| rule.size()).sum());
    for (rule, truth) in &mut applying {
        *truth = (*truth).min(rule.holds(call, &effort));
    }
    applying.retain(|(_, truth)| *truth != Truth::No);
    applying
}

/// The verdict on an action, from whether each rule applies to it.
///
/// A rule that may or may not apply counts wherever that is stricter. Axes are joined by maximum
/// and minimum, so with a rule that surely applies the strictest of all resolutions is the one in
/// which every unknown rule applies too. Without one, no rule at all might apply: then the
/// defaults count among the rules.
pub(crate) fn judge(policy: &Policy, rules: &[(&Rule, Truth)]) -> Verdict {
    let sure = rules.iter().any(|(_, truth)| *truth == Truth::Yes);
    let applying: Vec<&Rule> = rules.iter().map(|(rule, _)| *rule).collect();
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
    // Where nobody is asked, no rule brings defaults for how people approve; but the model may still
    // raise its tier.
    let default = Terms::of_tier(tier.max(Tier::Soft), policy.default_window);
    let asked = || terms.iter().copied().chain((tier == Tier::Fyi).then_some(&default));
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
        quorum: terms.iter().fold(Needed::ONE, |asked, terms| asked.both(&terms.quorum)),
        self_approval: terms
            .iter()
            .filter_map(|terms| terms.self_approval)
            .max()
            .unwrap_or(SelfApproval::Allowed),
        silent_limit: terms
            .iter()
            .filter_map(|terms| terms.silent_limit)
            .reduce(SilentLimit::stricter)
            .unwrap_or(SilentLimit::DEFAULT),
        assurance: asked().filter_map(|terms| terms.assurance).max().unwrap_or(Terms::ASSURANCE),
        permit_lasts: asked().filter_map(|terms| terms.permit_lasts).min().unwrap_or(PERMIT_LASTS),
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
