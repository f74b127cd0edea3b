//! Stale receipts that name what does not ask anew.

use sayso_core::EscalationId;
use sayso_ledger::verify::{Step, Verdict};
use serde_json::{Value, json};

use super::{Forged, find, refuted};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{POLICY, Row, World};

fn call() -> Value {
    json!({"table": "invoices", "rows": 7})
}

/// A drop that was approved, begun and found stale, and what is done about it.
fn stale(then: impl FnOnce(&mut World, EscalationId)) -> Vec<Row> {
    let mut w = World::new();
    let id = w.propose_for("drop_table", call(), Some(json!({"rows": 7})));
    w.minutes(1);
    w.approve(id, "ana");
    w.approve(id, "bo");
    w.redeem(id);
    w.minutes(1);
    then(&mut w, id);
    w.rows
}

fn anew(w: &mut World) -> EscalationId {
    w.propose_for("drop_table", call(), Some(json!({"rows": 9})))
}

/// What asks anew begins, and then the receipt is given.
fn honest(then: impl FnOnce(&mut World, EscalationId)) -> Vec<Row> {
    stale(|w, id| {
        let reopened = w.reopen(id, json!({"rows": 9}));
        then(w, reopened);
    })
}

pub(super) fn forged(_: &Day) -> Vec<Forged> {
    let rows = honest(|_, _| {});
    let of = rows.iter().rev().find(|row| row.word() == "proposed").unwrap().of;
    let nothing: Vec<_> = rows.iter().filter(|row| row.of != of).cloned().collect();
    let mut other_agent = rows;
    let at = find(&other_agent, of.unwrap().0, "proposed");
    other_agent[at].event["agent"] = json!("runner");
    let change = json!({"type": "agent_added", "name": "runner"});
    let event = json!({"type": "authority_changed", "by": {"person": "ana"}, "change": change});
    let added = Row { at: other_agent[0].at, of: None, event, body: None };
    other_agent.insert(5, added);
    let older = {
        let mut w = World::new();
        let older = anew(&mut w);
        w.minutes(1);
        let id = w.propose_for("drop_table", call(), Some(json!({"rows": 7})));
        w.approve(id, "ana");
        w.approve(id, "bo");
        w.redeem(id);
        w.stale(id, Some(older));
        w.rows
    };
    let another_call = stale(|w, id| {
        let other = w.propose_for("drop_table", json!({"table": "people"}), Some(json!(9)));
        w.stale(id, Some(other));
    });
    let less = stale(|w, id| {
        let hard = "tier = \"hard\"\nquorum = 2";
        w.policy(&POLICY.replace(hard, "tier = \"soft\"\nwindow = \"1m\""));
        let other = anew(w);
        w.stale(id, Some(other));
    });
    let twice = honest(|w, reopened| {
        let id = w.propose_for("drop_table", call(), Some(json!({"rows": 7})));
        w.approve(id, "ana");
        w.approve(id, "bo");
        w.redeem(id);
        w.stale(id, Some(reopened));
    });
    let case = |rows: &[Row]| Case::sealed(rows);
    vec![
        refuted(
            "asked-anew-by-nothing",
            "A stale receipt names what asks anew, and nothing of that name begins.",
            Step::History,
            case(&nothing),
        ),
        refuted(
            "asked-anew-long-before",
            "A stale receipt names an escalation that had begun before the permit was used.",
            Step::History,
            case(&older),
        ),
        refuted(
            "asked-anew-by-another-agent",
            "What a stale receipt names was asked by another agent.",
            Step::History,
            case(&other_agent),
        ),
        refuted(
            "asked-anew-for-another-call",
            "What a stale receipt names asks for a call with other arguments.",
            Step::History,
            case(&another_call),
        ),
        refuted(
            "asked-anew-under-less",
            "What was hard is asked anew as soft.",
            Step::History,
            case(&less),
        ),
        refuted(
            "asked-anew-for-two",
            "Two stale receipts name the same escalation.",
            Step::History,
            case(&twice),
        ),
    ]
}

#[test]
fn what_is_stale_is_asked_anew_in_the_same_moment() {
    let verdict = |rows: &[Row]| Case::sealed(rows).verify().verdict;
    assert_eq!(verdict(&honest(|_, _| {})), Verdict::Verified);
    // Nobody has to ask anew.
    assert_eq!(verdict(&stale(|w, id| w.stale(id, None))), Verdict::Verified);
    // Under a halt, what asks anew ends as it begins.
    let halted = stale(|w, id| {
        w.halt("bo", &[]);
        w.reopen(id, json!({"rows": 9}));
    });
    assert_eq!(verdict(&halted), Verdict::Verified);
}

#[test]
fn whether_it_asks_for_the_same_call_takes_its_text() {
    let mut case = Case::sealed(&honest(|_, _| {}));
    case.bodies.pop();
    let report = case.verify();
    assert_eq!(report.step(Step::History).verdict, Verdict::Redacted);
}
