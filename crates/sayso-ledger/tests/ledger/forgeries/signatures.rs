//! Signatures that are over something else, or by somebody else. Each forger fits the ledger to the
//! statement, and signs it where a key is theirs to use.

use sayso_core::Digest;
use sayso_core::signature::{Domain, Signature};
use sayso_ledger::verify::{Step, Verdict};
use serde_json::{Value, json};

use super::{Forged, find, refuted, resealed};
use crate::ssh::Key;
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{Row, key_of};

/// Puts what `forge` makes of ana's statement into the ledger, signed by that key.
fn restated(day: &Day, key: &Key, forge: impl FnOnce(&mut Value)) -> Case {
    resealed(day, day.signed, |rows| restate(rows, day, key, forge))
}

fn restate(rows: &mut [Row], day: &Day, key: &Key, forge: impl FnOnce(&mut Value)) {
    let at = find(rows, day.signed, "approved");
    let content = &mut rows[at].body.as_mut().unwrap().content;
    let mut body: Value = serde_json::from_slice(content).unwrap();
    let statement = &mut body["signed"]["statement"];
    forge(statement);
    let bytes = sayso_core::json::canonical(statement);
    let signature = Signature::alone(key.sign(Domain::Decision, &bytes));
    let (id, digest) = (statement["key"].clone(), json!(Digest::of(&bytes)));
    body["signed"]["signature"] = json!(signature);
    *content = serde_json::to_vec(&body).unwrap();
    let before = std::mem::replace(&mut rows[at].event["signed"]["statement"], digest.clone());
    rows[at].event["signed"]["key"] = id;
    let at = find(rows, day.signed, "granted");
    for named in rows[at].event["grant"]["statements"].as_array_mut().unwrap() {
        if *named == before {
            *named = digest.clone();
        }
    }
}

/// A statement that ana has truly signed, for something else: the member that says so.
fn for_another(day: &Day, name: &'static str, about: &'static str, other: (&str, Value)) -> Forged {
    let (member, value) = other;
    let case = restated(day, &key_of("ana"), |statement| statement[member] = value);
    refuted(name, about, Step::Signatures, case)
}

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let mut all = misfits(day);
    all.extend(others(day));
    all.extend(keys(day));
    all
}

fn misfits(day: &Day) -> Vec<Forged> {
    let digest = json!(Digest::of(b"another"));
    vec![
        for_another(
            day,
            "signed-another-escalation",
            "Ana's signature is over another escalation.",
            ("escalation", json!(day.hard)),
        ),
        for_another(
            day,
            "signed-another-digest",
            "Ana's signature is over another action.",
            ("digest", digest.clone()),
        ),
        for_another(
            day,
            "signed-another-version",
            "Ana's signature is over a state that the escalation never had in that ceremony.",
            ("version", json!(9)),
        ),
        for_another(
            day,
            "signed-another-ceremony",
            "Ana's signature is part of another ceremony: parts of two never add up.",
            ("ceremony", json!("00000000000000000000000000000000")),
        ),
        for_another(
            day,
            "signed-another-environment",
            "Ana signed the same in staging.",
            ("workspace", json!("staging")),
        ),
        for_another(
            day,
            "signed-another-policy",
            "Ana signed under another policy.",
            ("policy", digest.clone()),
        ),
        for_another(
            day,
            "signed-another-tier",
            "Ana signed what she took for soft.",
            ("tier", json!("soft")),
        ),
        for_another(
            day,
            "signed-another-quorum",
            "Ana signed as one of three.",
            ("quorum", json!({"people": 3})),
        ),
        for_another(
            day,
            "signed-for-another-executor",
            "Ana signed for another executor.",
            ("audience", json!("runner")),
        ),
        for_another(
            day,
            "signed-for-another-agent",
            "Ana signed what another agent asked for.",
            ("agent", json!("runner")),
        ),
        for_another(
            day,
            "signed-by-another-person",
            "Ana's key has signed in bo's name.",
            ("reviewer", json!("bo")),
        ),
        for_another(
            day,
            "signed-another-decision",
            "Ana signed an answer, and it counts as an approval.",
            ("decision", json!("answer")),
        ),
        for_another(
            day,
            "signed-an-edit",
            "Ana signed an edited action, and it counts for the one that was not edited.",
            ("edited", digest.clone()),
        ),
        for_another(
            day,
            "signed-another-display",
            "Ana was shown another text than this action's.",
            ("display", digest),
        ),
    ]
}

fn others(day: &Day) -> Vec<Forged> {
    let expired = restated(day, &key_of("ana"), |statement| {
        statement["issued_at"] = json!("2026-11-24T08:00:00Z");
        statement["expires_at"] = json!("2026-11-24T08:10:00Z");
    });
    let unlike = resealed(day, day.signed, |rows| {
        let at = find(rows, day.signed, "approved");
        rows[at].event["signed"]["statement"] = json!(Digest::of(b"another"));
    });
    let unsigned = resealed(day, day.signed, |rows| {
        let at = find(rows, day.signed, "approved");
        rows[at].event.as_object_mut().unwrap().remove("signed");
        rows[at].body = None;
        let at = find(rows, day.signed, "granted");
        rows[at].event["grant"]["statements"].as_array_mut().unwrap().remove(0);
    });
    let mut erased = Case::sealed(&super::only(day, day.signed));
    let is_statement = |body: &crate::vectors::Kept| body.content.contains("\"reviewer\":\"ana\"");
    let at = erased.bodies.iter().rposition(is_statement).unwrap();
    erased.bodies.remove(at);
    vec![
        refuted(
            "signed-long-before",
            "Ana's statement had expired when it was counted.",
            Step::Signatures,
            expired,
        ),
        refuted(
            "statement-swapped",
            "The statement in the text is another than the ledger names.",
            Step::Signatures,
            unlike,
        ),
        refuted(
            "signed-without-a-signature",
            "An approval says that it is signed, and bears no signature.",
            Step::Signatures,
            unsigned,
        ),
        Forged {
            name: "statement-erased",
            about: "The text of a signed statement is gone, and with it what the signature is over.",
            step: Step::Signatures,
            verdict: Verdict::Redacted,
            case: erased,
        },
    ]
}

/// Keys that are not, or not then, who they are said to be.
fn keys(day: &Day) -> Vec<Forged> {
    let mallory = Key::of(b'm');
    let as_ana = restated(day, &mallory, |_| {});
    let own = restated(day, &mallory, |statement| {
        statement["key"] = json!(mallory.public().id());
    });
    let bos = restated(day, &key_of("bo"), |statement| {
        statement["key"] = json!(key_of("bo").public().id());
    });
    let cys = restated(day, &key_of("cy"), |statement| {
        statement["key"] = json!(key_of("cy").public().id());
        statement["reviewer"] = json!("cy");
    });
    let cys = {
        let mut case = cys;
        let is_anas = |entry: &String| entry.contains("\"type\":\"approved\"");
        let at = case.entries.iter().position(is_anas).unwrap();
        case.entries[at] = case.entries[at].replace("\"by\":\"ana\"", "\"by\":\"cy\"");
        case.seal_with(&crate::world::log_key())
    };
    let revoked = resealed(day, day.signed, |rows| {
        let at = find(rows, day.signed, "approved");
        let key = key_of("ana").public().id();
        let change = json!({"type": "key_revoked", "person": "ana", "key": key});
        let event = json!({
            "type": "authority_changed", "by": {"person": "ana"}, "change": change,
        });
        rows.insert(at, Row { at: rows[at].at, of: None, event, body: None });
    });
    let late = resealed(day, day.signed, |rows| {
        let at = rows.iter().rposition(|row| row.word() == "key_enrolled").unwrap();
        let enrolled = rows.remove(at);
        let at = rows.last().unwrap().at;
        rows.push(Row { at, ..enrolled });
    });
    vec![
        refuted(
            "signed-with-a-false-key",
            "Somebody else's key signed what is said to be ana's.",
            Step::Signatures,
            as_ana,
        ),
        refuted("key-never-enrolled", "The key that signed is nobody's.", Step::Signatures, own),
        refuted("key-of-another-person", "Bo's key signed for ana.", Step::Signatures, bos),
        refuted(
            "key-not-vouched-for",
            "Cy's key was offered, and nobody ever vouched for it.",
            Step::Signatures,
            cys,
        ),
        refuted(
            "key-revoked-before",
            "Ana's key was revoked before it signed.",
            Step::Signatures,
            revoked,
        ),
        refuted(
            "key-enrolled-afterwards",
            "Bo's key was enrolled only after it had signed.",
            Step::Signatures,
            late,
        ),
    ]
}
