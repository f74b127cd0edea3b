//! Keys and people that an operator invents.

use sayso_core::ReviewerName;
use sayso_core::directory::{By, Change, Countersigned};
use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, find, refuted, undecidable};
use crate::ssh::Key;
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{Row, enrolled, key_of};

/// The day's workspace and signed escalation, with these changes by the operator before it.
fn with(day: &Day, changes: Vec<(Change, Option<Vec<u8>>)>) -> Case {
    let mut rows = super::only(day, day.signed);
    let at = find(&rows, day.signed, "proposed");
    let time = rows[at].at;
    for (nth, (change, content)) in changes.into_iter().enumerate() {
        let event = json!({"type": "authority_changed", "by": By::Operator, "change": change});
        let body = content.map(|content| super::Body { salt: vec![9; 16], content });
        rows.insert(at + nth, Row { at: time, of: None, event, body });
    }
    Case::sealed(&rows)
}

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let mallory = ReviewerName::new("mallory").unwrap();
    let key = Key::of(b'm');
    let added = || {
        let (name, roles) = (mallory.clone(), vec![sayso_core::credential::Role::Reviewer]);
        let (person, offered) = (mallory.clone(), key.public());
        vec![
            (Change::PersonAdded { name, roles, groups: Vec::new() }, None),
            (Change::KeyOffered { person, key: offered }, None),
        ]
    };
    let first = {
        let mut changes = added();
        let (person, key) = (mallory.clone(), key.public().id());
        let countersigned = Countersigned::First;
        changes.push((Change::KeyEnrolled { person, key, countersigned }, None));
        with(day, changes)
    };
    let in_anas_name = {
        let mut changes = added();
        let now = day.rows.last().unwrap().at;
        let (change, body) = enrolled(mallory.clone(), &key.public(), &key, now);
        changes.push((change, Some(body)));
        with(day, changes)
    };
    let by_organisation = |known: Option<&Key>| {
        let mut changes = added();
        let now = day.rows.last().unwrap().at;
        let (change, body) = enrolled(mallory.clone(), &key.public(), &key_of("ana"), now);
        let Change::KeyEnrolled { person, key, .. } = change else { panic!("no enrolment") };
        let statement = sayso_core::Digest::of(b"a statement");
        let by = Key::of(b'o').public().id();
        let countersigned = Countersigned::Organisation { key: by, statement };
        changes.push((Change::KeyEnrolled { person, key, countersigned }, Some(body)));
        let organisation = known.map(|key| match key.public() {
            sayso_core::signature::PersonKey::Ssh(key) => key.to_string(),
            sayso_core::signature::PersonKey::Passkey(_) => panic!("no SSH key"),
        });
        Case { organisation, ..with(day, changes) }
    };
    let mut unpinned = with(day, Vec::new());
    unpinned.pinned.clear();
    let mut otherwise = with(day, Vec::new());
    otherwise.pinned = vec![key.public().fingerprint()];
    vec![
        refuted(
            "false-reviewer-as-the-first",
            "The operator adds a reviewer and says that their key is the first.",
            Step::Authority,
            first,
        ),
        refuted(
            "false-reviewer-in-anas-name",
            "The operator adds a reviewer and vouches for their key in ana's name, with another key.",
            Step::Signatures,
            in_anas_name,
        ),
        undecidable(
            "false-reviewer-of-an-unknown-organisation",
            "A key is vouched for by an organisation whose key the auditor has not.",
            Step::Signatures,
            by_organisation(None),
        ),
        refuted(
            "false-reviewer-of-another-organisation",
            "A key is vouched for by another organisation's key than the auditor has.",
            Step::Signatures,
            by_organisation(Some(&Key::of(b'p'))),
        ),
        refuted(
            "false-reviewer-of-the-organisation",
            "A key is said to be vouched for by the organisation, which signed nothing like it.",
            Step::Signatures,
            by_organisation(Some(&Key::of(b'o'))),
        ),
        undecidable(
            "first-key-unknown",
            "Nobody vouches for a workspace's first key, and the auditor has not pinned it.",
            Step::Signatures,
            unpinned,
        ),
        refuted(
            "first-key-another",
            "The first key is another than the auditor has pinned.",
            Step::Signatures,
            otherwise,
        ),
    ]
}
