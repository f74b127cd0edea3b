//! Grants on the approval of somebody who, by then, may not give one any more.

use sayso_ledger::verify::{Step, Verdict};
use serde_json::{Value, json};

use super::{Forged, find, refuted, renumber, resealed};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::Row;

/// Cy approves first, and bo completes the quorum; `between` happens in between.
fn approved_by_cy(day: &Day, forge: impl Fn(&mut Vec<Row>), between: &[Value]) -> Case {
    resealed(day, day.hard, |rows| with_cy(day, rows, forge, between))
}

fn with_cy(day: &Day, rows: &mut Vec<Row>, forge: impl Fn(&mut Vec<Row>), between: &[Value]) {
    let first = find(rows, day.hard, "approved");
    rows[first].event["by"] = json!("cy");
    let granted = find(rows, day.hard, "granted");
    rows[granted].event["grant"]["by"] = json!(["bo", "cy"]);
    let at = rows[granted].at;
    for change in between.iter().rev() {
        rows.insert(first + 1, changed(at, change));
    }
    forge(rows);
}

fn changed(at: jiff::Timestamp, change: &Value) -> Row {
    let event = json!({"type": "authority_changed", "by": {"person": "ana"}, "change": change});
    Row { at, of: None, event, body: None }
}

fn demoted(roles: &[&str]) -> Value {
    json!({"type": "person_changed", "name": "cy", "roles": roles})
}

/// Cy fills the place that the quorum has for somebody of the security people.
fn of_security(day: &Day) -> impl Fn(&mut Vec<Row>) {
    let id = day.hard;
    move |rows| {
        let is_cy = |row: &Row| row.word() == "person_added" && row.event["change"]["name"] == "cy";
        let added = rows.iter().position(is_cy).unwrap();
        rows[added].event["change"]["groups"] = json!(["security"]);
        let at = find(rows, id, "proposed");
        rows[at].event["verdict"]["quorum"] = json!({"people": 2, "groups": {"security": 1}});
        let at = find(rows, id, "approved");
        rows[at].event["groups"] = json!(["security"]);
        let at = find(rows, id, "granted");
        rows[at].event["grant"]["groups"] = json!({"security": ["cy"]});
    }
}

fn signed_with_a_key_that_was_revoked(day: &Day) -> Case {
    resealed(day, day.signed, |rows| {
        let first = find(rows, day.signed, "approved");
        let key = rows[first].event["signed"]["key"].clone();
        let change = json!({"type": "key_revoked", "person": "ana", "key": key});
        rows.insert(first + 1, changed(rows[first + 1].at, &change));
    })
}

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let removed = json!({"type": "person_removed", "name": "cy"});
    let anew = json!({"type": "person_added", "name": "cy", "roles": ["reviewer"]});
    vec![
        refuted(
            "granted-on-who-was-removed",
            "One of two approvals is by somebody who was removed before the other completed them.",
            Step::Grants,
            approved_by_cy(day, |_| {}, std::slice::from_ref(&removed)),
        ),
        refuted(
            "granted-on-who-was-demoted",
            "One of two approvals is by somebody who was no reviewer any more when it was granted.",
            Step::Grants,
            approved_by_cy(day, |_| {}, &[demoted(&["auditor"])]),
        ),
        refuted(
            "granted-on-who-was-replaced",
            "Who approved was removed, and another of that name was added before it was granted.",
            Step::Grants,
            approved_by_cy(day, |_| {}, &[removed, anew]),
        ),
        refuted(
            "granted-on-who-left-the-group",
            "Who filled a group's place had left that group when it was granted.",
            Step::Grants,
            approved_by_cy(day, of_security(day), &[demoted(&["reviewer"])]),
        ),
        refuted(
            "granted-on-a-revoked-key",
            "Who signed first had revoked that key before the other signature completed the quorum.",
            Step::Grants,
            signed_with_a_key_that_was_revoked(day),
        ),
    ]
}

#[test]
fn what_becomes_of_an_approver_matters_until_the_grant_and_not_after() {
    let day = crate::story::day();
    let honest = |case: &Case| case.verify().verdict == Verdict::Verified;
    assert!(honest(&approved_by_cy(&day, |_| {}, &[])));
    assert!(honest(&approved_by_cy(&day, of_security(&day), &[])));
    let mut rows = super::only(&day, day.hard);
    // Whom nobody knows any more has no key.
    rows.retain(|row| row.event["change"]["person"] != "cy");
    with_cy(&day, &mut rows, |_| {}, &[]);
    let at = find(&rows, day.hard, "granted");
    let removed = json!({"type": "person_removed", "name": "cy"});
    rows.insert(at + 1, changed(rows[at].at, &removed));
    renumber(&mut rows, day.hard);
    assert!(honest(&Case::sealed(&rows)));
}
