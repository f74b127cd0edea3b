//! People and agents who acted and could not.

use sayso_ledger::verify::{Step, Verdict};
use serde_json::json;

use super::{Forged, changed, find, refuted, resealed};
use crate::story::Day;
use crate::world::Row;

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let stranger = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "approved");
        rows[at].event["by"] = json!("mallory");
        let at = find(rows, day.hard, "granted");
        rows[at].event["grant"]["by"] = json!(["bo", "mallory"]);
    });
    let auditor = resealed(day, day.hard, |rows| {
        let is_ana = |name: &serde_json::Value| name == "ana";
        let added = rows.iter().position(|row| is_ana(&row.event["change"]["name"])).unwrap();
        rows[added].event["change"]["roles"] = json!(["owner"]);
    });
    let lifted = resealed(day, day.halted, |rows| {
        let at = rows.iter().position(|row| row.word() == "halt_lifted").unwrap();
        rows[at].event["by"] = json!("builder");
    });
    let mut all = standing(day);
    all.extend(beyond(day));
    all.extend(vec![
        refuted(
            "approved-by-nobody",
            "An approval by somebody whom nobody ever added.",
            Step::Authority,
            stranger,
        ),
        refuted(
            "approved-by-no-reviewer",
            "An approval by an owner, who adds people and decides nothing.",
            Step::Authority,
            auditor,
        ),
        refuted(
            "halt-lifted-by-an-agent",
            "A halt was lifted in an agent's name; only a person lifts one.",
            Step::Authority,
            lifted,
        ),
        refuted(
            "proposed-by-no-agent",
            "A proposal of an agent that was never added.",
            Step::Authority,
            changed(day, day.silent, "proposed", |event| event["agent"] = json!("ghost")),
        ),
    ]);
    all
}

/// Agents that proposed what they may not.
fn beyond(day: &Day) -> Vec<Forged> {
    let bound = resealed(day, day.hard, |rows| {
        let at = rows.iter().position(|row| row.word() == "agent_added").unwrap();
        rows[at].event["change"]["tools"] = json!(["git_*", "post_message"]);
    });
    let afterwards = resealed(day, day.hard, |rows| {
        let change = json!({"type": "agent_changed", "name": "builder", "tools": ["git_*"]});
        let event = json!({"type": "authority_changed", "by": {"person": "ana"}, "change": change});
        let at = find(rows, day.hard, "proposed");
        rows.insert(at, Row { at: rows[at].at, of: None, event, body: None });
    });
    vec![
        refuted(
            "proposed-another-tool",
            "An agent proposes a tool that is none of those it is bound to.",
            Step::Authority,
            bound,
        ),
        refuted(
            "proposed-a-tool-taken-from-it",
            "An agent proposes a tool that an owner had taken from it.",
            Step::Authority,
            afterwards,
        ),
    ]
}

#[test]
fn an_agent_is_held_to_the_tools_that_it_had_when_it_proposed() {
    let day = crate::story::day();
    let bound = resealed(&day, day.hard, |rows| {
        let at = rows.iter().position(|row| row.word() == "agent_added").unwrap();
        rows[at].event["change"]["tools"] = json!(["drop_*"]);
        let change = json!({"type": "agent_changed", "name": "builder", "tools": ["git_*"]});
        let event = json!({"type": "authority_changed", "by": {"person": "ana"}, "change": change});
        let at = find(rows, day.hard, "proposed");
        rows.insert(at + 1, Row { at: rows[at].at, of: None, event, body: None });
    });
    assert_eq!(bound.verify().verdict, Verdict::Verified);
}

/// Where the law asks who answers for an agent, and who is in which group.
fn standing(day: &Day) -> Vec<Forged> {
    let in_no_group = changed(day, day.hard, "approved", |event| {
        event["groups"] = json!(["security"]);
    });
    let by_no_owner = resealed(day, day.hard, |rows| {
        let is_cy = |row: &Row| row.event["change"]["name"] == "cy";
        let at = rows.iter().position(is_cy).unwrap();
        rows[at].event["by"] = json!({"person": "bo"});
    });
    let owned = |forge: &dyn Fn(&mut Vec<Row>)| {
        resealed(day, day.hard, |rows| {
            let at = rows.iter().position(|row| row.word() == "agent_added").unwrap();
            rows[at].event["change"]["owner"] = json!("ana");
            let at = find(rows, day.hard, "proposed");
            rows[at].event["answerable"] = json!(["ana"]);
            rows[at].event["verdict"]["self_approval"] = json!("never");
            forge(rows);
        })
    };
    let own_agent = owned(&|_| {});
    let not_answerable = owned(&|rows| {
        let at = find(rows, day.hard, "proposed");
        rows[at].event.as_object_mut().unwrap().remove("answerable");
    });
    let stand_in = owned(&|rows| {
        let at = find(rows, day.hard, "approved");
        rows[at].event["by"] = json!("cy");
        let until = "2027-01-01T00:00:00Z";
        let change = json!({"type": "cover_set", "away": "ana", "stand_in": "cy", "until": until});
        let event = json!({"type": "authority_changed", "by": {"person": "ana"}, "change": change});
        rows.insert(at, Row { at: rows[at].at, of: None, event, body: None });
        let at = find(rows, day.hard, "granted");
        rows[at].event["grant"]["by"] = json!(["bo", "cy"]);
    });
    vec![
        refuted(
            "approved-for-a-group-of-others",
            "Ana's approval counts for a group that she is not in.",
            Step::Authority,
            in_no_group,
        ),
        refuted(
            "person-added-by-no-owner",
            "A reviewer was added by somebody who is no owner.",
            Step::Authority,
            by_no_owner,
        ),
        refuted(
            "approved-by-the-agents-owner",
            "The agent's owner approves where the policy leaves out who answers for it.",
            Step::History,
            own_agent,
        ),
        refuted(
            "owner-left-unnamed",
            "The agent's owner is not named as answerable for it, so that their approval counts.",
            Step::Authority,
            not_answerable,
        ),
        refuted(
            "approved-by-the-owners-stand-in",
            "Who stands in for the agent's owner approves where the policy leaves them out.",
            Step::Authority,
            stand_in,
        ),
    ]
}
