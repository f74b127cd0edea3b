//! Step 7: the policy in force, run again on what was asked.

use std::collections::HashMap;

use jiff::Timestamp;
use sayso_core::action::POLICY_APPLY;
use sayso_core::{Action, AgentName, Digest, Escalation, Period, Tier, Verdict};
use sayso_policy::{Axis, Call, Direction, Policy};

use super::bodies::Asked;
use super::report::{Findings, Place, Step};

/// How long after a new policy came into force one may still have been judged by the old one.
const GRACE: Period = Period::from_secs(60);

/// A policy that has been in force.
#[derive(Debug)]
struct Known {
    /// None, if its text was erased or can't be read.
    policy: Option<Policy>,
    /// When another took its place.
    replaced: Option<Timestamp>,
}

impl Known {
    fn is_in_force(&self, at: Timestamp) -> bool {
        self.replaced.is_none_or(|replaced| at <= GRACE.after(replaced))
    }
}

/// The policies that have been in force.
#[derive(Debug, Default)]
pub(super) struct Policies {
    known: HashMap<Digest, Known>,
    present: Option<Digest>,
}

impl Policies {
    /// A policy came into force.
    pub(super) fn loaded(
        &mut self,
        hash: Digest,
        text: Option<&[u8]>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        if let Some(before) = self.present.replace(hash).filter(|before| *before != hash)
            && let Some(before) = self.known.get_mut(&before)
        {
            before.replaced = Some(at);
        }
        if let Some(known) = self.known.get_mut(&hash)
            && known.policy.is_some()
        {
            known.replaced = None;
            return;
        }
        let policy = text.and_then(|text| {
            if Digest::of(text) != hash {
                let says = format!("the policy's text has not the hash {hash}");
                found.refute(Step::Policy, place, says);
                return None;
            }
            let text = std::str::from_utf8(text).unwrap_or_default();
            let parsed = Policy::parse(text);
            if let Err(bad) = &parsed {
                let says = format!("the policy can't be read by this version: {bad}");
                found.wonder(Step::Policy, place, says);
            }
            parsed.ok()
        });
        self.known.insert(hash, Known { policy, replaced: None });
    }

    /// Holds a verdict on what was asked against the policy it names.
    pub(super) fn check_asked(
        &self,
        verdict: &Verdict,
        agent: &AgentName,
        asked: Option<&Asked>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        found.looked(Step::Policy);
        let Some(policy) = self.in_force(verdict.policy, at, place, found) else { return };
        let Some(asked) = asked else {
            let says = "what was asked is not at hand to be judged again";
            return found.redact(Step::Policy, place, says);
        };
        let floor = match (&asked.action, &asked.question) {
            (Some(action), _) => judged(policy, action, agent, asked, Some(verdict.tier)),
            (None, Some(_)) => policy.question(verdict.tier),
            (None, None) => return,
        };
        hold(&floor, verdict, place, found);
    }

    /// Holds a verdict on an edited action against the policy it names.
    pub(super) fn check_edited(
        &self,
        verdict: &Verdict,
        agent: &AgentName,
        edit: Option<(&Action, &Asked)>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        found.looked(Step::Policy);
        let Some(policy) = self.in_force(verdict.policy, at, place, found) else { return };
        let Some((action, asked)) = edit else {
            let says = "the edited action is not at hand to be judged again";
            return found.redact(Step::Policy, place, says);
        };
        hold(&judged(policy, action, agent, asked, None), verdict, place, found);
    }

    /// Holds the use of a permit against the policies in force by then, as the server does: what was
    /// granted must be all that one of them asks for.
    pub(super) fn check_started(
        &self,
        state: &Escalation,
        asked: Option<&Asked>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        let Some(granted) = state.settled().and_then(|settled| settled.granted.as_ref()) else {
            return;
        };
        found.looked(Step::Policy);
        let judged_by = state.verdict().policy;
        // The law itself holds the grant against the verdict that it was given under.
        if self.known.get(&judged_by).is_some_and(|known| known.is_in_force(at)) {
            return;
        }
        let Some(present) = self.present else { return };
        let Some((asked, action)) = asked.and_then(|it| Some((it, it.action.as_ref()?))) else {
            let says = "the policy was changed before its permit was used, and what was granted is \
                        not at hand to be judged again";
            return found.redact(Step::Policy, place, says);
        };
        let (grant, agent) = (&granted.grant, state.agent());
        let today = |policy| judged(policy, action, agent, asked, Some(grant.tier()));
        let in_force = || self.known.iter().filter(|(_, known)| known.is_in_force(at));
        let mut readable = in_force().filter_map(|(_, known)| known.policy.as_ref());
        if readable.any(|policy| grant.satisfies(&today(policy))) {
            return;
        }
        if let Some((hash, _)) = in_force().find(|(_, known)| known.policy.is_none()) {
            let says = format!("the text of the policy {hash:.12} is not at hand");
            return found.redact(Step::Policy, place, says);
        }
        let Some(policy) = self.known.get(&present).and_then(|known| known.policy.as_ref()) else {
            return;
        };
        let Verdict { tier, quorum, .. } = today(policy);
        let says = format!(
            "its permit is used where the policy in force, {present:.12}, asks for more than was \
             granted: tier {tier}, quorum {quorum}"
        );
        found.refute(Step::Policy, place, says);
    }

    fn in_force(
        &self,
        hash: Digest,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) -> Option<&Policy> {
        let Some(known) = self.known.get(&hash) else {
            let says = format!("it is judged by a policy that never came into force: {hash}");
            found.refute(Step::Policy, place, says);
            return None;
        };
        if let Some(replaced) = known.replaced.filter(|_| !known.is_in_force(at)) {
            let says = format!(
                "it is judged by the policy {hash:.12}, in whose place another had come at \
                 {replaced}"
            );
            found.refute(Step::Policy, place, says);
        }
        if known.policy.is_none() {
            let says = format!("the text of the policy {hash:.12} is not at hand");
            found.redact(Step::Policy, place, says);
        }
        known.policy.as_ref()
    }
}

/// What the policy asks for an action, as the engine asks it.
fn judged(
    policy: &Policy,
    action: &Action,
    agent: &AgentName,
    asked: &Asked,
    tier: Option<Tier>,
) -> Verdict {
    let (server, context) = (asked.server.as_deref(), asked.context.as_ref());
    let verdict = policy.judge(&Call { action, agent, server, context });
    if action.tool.as_str() == POLICY_APPLY {
        return Verdict { tier: Tier::Hard, ..verdict };
    }
    match tier {
        // A review of the model's own words runs nothing: the model says how hard it is.
        Some(tier) if verdict.rule.is_none() && action.is_review() => policy.question(tier),
        _ => verdict,
    }
}

/// The recorded verdict may ask for more than the policy, and for nothing less or else.
fn hold(floor: &Verdict, recorded: &Verdict, place: Place, found: &mut Findings) {
    if recorded.tier < floor.tier {
        let says = format!(
            "the policy asks for tier {}, and it was asked under {}",
            floor.tier.word(),
            recorded.tier.word()
        );
        return found.refute(Step::Policy, place, says);
    }
    // A tier that the agent raised brings what the policy asks at that tier.
    let floor = Verdict { tier: recorded.tier, ..floor.clone() };
    for axis in Axis::ALL {
        match axis.change(&floor, recorded) {
            Some(Direction::Looser | Direction::Other) => {
                let (asks, got) = (axis.of(&floor), axis.of(recorded));
                let says = format!("the policy asks for {} {asks}, and it got {got}", axis.word());
                found.refute(Step::Policy, place, says);
            }
            Some(Direction::Stricter) | None => {}
        }
    }
    if floor.rule != recorded.rule {
        let name = |verdict: &Verdict| {
            verdict.rule.as_ref().map_or("no rule".to_owned(), |rule| format!("the rule {rule}"))
        };
        let says = format!("the policy names {}, and it says {}", name(&floor), name(recorded));
        found.refute(Step::Policy, place, says);
    }
}
