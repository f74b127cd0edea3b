//! Histories that no law writes.

use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, find, only, refuted, resealed, without};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::World;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let swapped = {
        let mut rows = only(day, day.hard);
        let at = find(&rows, day.hard, "approved");
        rows.swap(at, at + 1);
        Case::sealed(&rows)
    };
    let twice = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "proposed");
        rows.insert(at + 1, rows[at].clone());
    });
    let mut after_end = only(day, day.vetoed);
    let mut late = after_end.last().unwrap().clone();
    late.event = json!({"type": "withdrawn"});
    (late.of, late.body) = (Some((day.vetoed, 5)), None);
    after_end.push(late);
    let lifted_early = resealed(day, day.halted, |rows| {
        let at = rows.iter().position(|row| row.word() == "halt_lifted").unwrap();
        let lifted = rows.remove(at);
        rows.push(lifted);
    });
    let through_halt = resealed(day, day.halted, |rows| {
        rows.retain(|row| !matches!(row.word(), "frozen" | "thawed"));
        let at = rows.iter().position(|row| row.word() == "halt_lifted").unwrap();
        let lifted = rows.remove(at);
        rows.push(lifted);
    });
    let unfrozen = resealed(day, day.halted, |rows| {
        rows.retain(|row| !matches!(row.word(), "frozen" | "thawed"));
    });
    let question = day.rows.iter().position(|row| row.word() == "answered").unwrap();
    let question = day.rows[question].of.unwrap().0;
    let answer = resealed(day, question, |rows| {
        let at = find(rows, question, "answered");
        let body = rows[at].body.as_mut().unwrap();
        body.content = br#"{"answer":"red"}"#.to_vec();
    });
    vec![
        refuted(
            "reordered-events",
            "An approval and the proposal's next event changed places, with their versions.",
            Step::History,
            swapped,
        ),
        refuted(
            "left-out-event",
            "The first of two approvals was taken out; the versions were closed up.",
            Step::History,
            without(day, day.hard, "approved"),
        ),
        refuted("proposed-twice", "A proposal stands twice.", Step::History, twice),
        refuted(
            "after-the-end",
            "Something happens to an escalation that had been vetoed.",
            Step::History,
            Case::sealed(&after_end),
        ),
        refuted(
            "thawed-under-the-halt",
            "An escalation goes on while the halt that froze it is in force.",
            Step::History,
            lifted_early,
        ),
        refuted(
            "granted-under-the-halt",
            "Silence grants while a halt is in force.",
            Step::History,
            through_halt,
        ),
        refuted(
            "never-frozen-by-the-halt",
            "A halt was called and lifted, and an escalation that it covered went on all the while.",
            Step::History,
            unfrozen,
        ),
        refuted(
            "one-silent-grant-too-many",
            "A fourth silent grant in the hour, where the policy allows three.",
            Step::History,
            one_too_many(),
        ),
        refuted(
            "answer-not-asked-for",
            "A question is answered with none of its options.",
            Step::History,
            answer,
        ),
    ]
}

/// Four silent grants in an hour, the fourth in place of its becoming hard.
fn one_too_many() -> Case {
    let mut world = World::new();
    let mut last = None;
    for nth in 0..3 {
        let id = world.propose("git_merge", json!({ "branch": nth }));
        world.deliver(id);
        last = Some(id);
    }
    let id = world.propose("git_merge", json!({ "branch": 3 }));
    world.deliver(id);
    world.minutes(15);
    for row in world.rows.clone() {
        if row.word() == "delivered" && row.of.is_some_and(|(of, _)| of != id) {
            world.tick(row.of.unwrap().0);
        }
    }
    world.tick(id);
    let granted = find(&world.rows, last.unwrap(), "granted");
    let grant = world.rows[granted].event.clone();
    let hardened = find(&world.rows, id, "hardened");
    world.rows[hardened].event = grant;
    Case::sealed(&world.rows)
}
