//! Verdicts that the policy did not give.

use sayso_core::Digest;
use sayso_ledger::verify::{Step, Verdict};
use serde_json::json;

use super::{Forged, changed, find, refuted, resealed};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{POLICY, World};

pub(super) fn forged(day: &Day) -> Vec<Forged> {
    let lower_tier = {
        resealed(day, day.silent, |rows| {
            let at = rows.iter().position(|row| row.word() == "policy_loaded").unwrap();
            let body = rows[at].body.as_mut().unwrap();
            let text = String::from_utf8(body.content.clone()).unwrap();
            let text = text.replace("tier = \"soft\"", "tier = \"hard\"");
            rows[at].event["policy"] = json!(Digest::of(text.as_bytes()));
            let hash = rows[at].event["policy"].clone();
            rows[at].body.as_mut().unwrap().content = text.into_bytes();
            let at = find(rows, day.silent, "proposed");
            rows[at].event["verdict"]["policy"] = hash;
        })
    };
    let quorum = resealed(day, day.hard, |rows| {
        let at = find(rows, day.hard, "proposed");
        rows[at].event["verdict"]["quorum"] = json!({"people": 1});
    });
    let window = changed(day, day.silent, "proposed", |event| {
        event["verdict"]["window"] = json!("1m");
    });
    let unknown = changed(day, day.hard, "proposed", |event| {
        event["verdict"]["policy"] = json!(Digest::of(b"no policy"));
    });
    let rule = changed(day, day.silent, "proposed", |event| {
        event["verdict"]["rule"] = json!("post_*");
    });
    let replaced = {
        let mut world = World::new();
        let loose = crate::world::POLICY;
        let strict = loose.replace("tier = \"fyi\"", "tier = \"hard\"");
        let mut rows = world.rows.clone();
        world.policy(&strict);
        rows.push(world.rows.last().unwrap().clone());
        world.policy(loose);
        world.minutes(10);
        let before = world.rows.len();
        world.propose("post_message", json!({"text": "still loose"}));
        rows.extend(world.rows[before..].iter().cloned());
        Case::sealed(&rows)
    };
    let text = resealed(day, day.hard, |rows| {
        let at = rows.iter().position(|row| row.word() == "policy_loaded").unwrap();
        let body = rows[at].body.as_mut().unwrap();
        let text = String::from_utf8(body.content.clone()).unwrap();
        body.content = text.replace("quorum = 2", "quorum = 1").into_bytes();
    });
    let mut all = stricter();
    all.extend([
        refuted(
            "policy-asked-for-a-higher-tier",
            "The policy says hard; it was asked under soft.",
            Step::Policy,
            lower_tier,
        ),
        refuted(
            "policy-asked-for-two",
            "The policy asks for two people; the verdict says one.",
            Step::Policy,
            quorum,
        ),
        refuted(
            "policy-asked-for-a-longer-window",
            "The policy asks for 15 minutes; the verdict says one.",
            Step::Policy,
            window,
        ),
        refuted(
            "policy-never-in-force",
            "The verdict names a policy that was never loaded.",
            Step::Policy,
            unknown,
        ),
        refuted(
            "policy-names-another-rule",
            "The verdict names another rule than the one that matched, so that a halt on that rule passes it by.",
            Step::Policy,
            rule,
        ),
        refuted(
            "policy-was-replaced",
            "A proposal is judged by a looser policy ten minutes after a stricter one came into force.",
            Step::Policy,
            replaced,
        ),
        refuted(
            "policy-text-swapped",
            "The text kept for a policy is not the one with its hash.",
            Step::Policy,
            text,
        ),
    ]);
    all
}

/// A merge granted by silence and a drop granted by ana and bo, both used some minutes after another
/// policy came into force.
fn used_under(policy: &str, later: u64) -> World {
    let mut w = World::new();
    let merge = w.propose("git_merge", json!({"branch": "feature", "into": "main"}));
    w.deliver(merge);
    w.minutes(15);
    w.tick(merge);
    let drop = w.propose("drop_table", json!({"table": "invoices"}));
    w.approve(drop, "ana");
    w.approve(drop, "bo");
    w.policy(policy);
    w.minutes(later);
    w.redeem(merge);
    w.redeem(drop);
    w
}

fn stricter() -> Vec<Forged> {
    let hard = POLICY.replace("\"soft\"", "\"hard\"");
    let longer = POLICY.replace("15m", "1h");
    let three = POLICY.replace("quorum = 2", "quorum = 3");
    let used = |policy: &str| Case::sealed(&used_under(policy, 2).rows);
    let mut erased = used(&hard);
    erased.bodies.retain(|body| !body.content.contains("feature"));
    vec![
        refuted(
            "used-under-a-policy-that-says-hard",
            "What silence granted is done two minutes after the policy became hard for it.",
            Step::Policy,
            used(&hard),
        ),
        refuted(
            "used-under-a-policy-with-a-longer-window",
            "What silence granted is done under a policy that asks for more silence.",
            Step::Policy,
            used(&longer),
        ),
        refuted(
            "used-under-a-policy-that-asks-for-three",
            "What two people granted is done under a policy that asks for three.",
            Step::Policy,
            used(&three),
        ),
        Forged {
            name: "used-after-its-text-was-erased",
            about: "The policy was changed before the permit was used; what was granted is erased.",
            step: Step::Policy,
            verdict: Verdict::Redacted,
            case: erased,
        },
    ]
}

#[test]
fn what_was_granted_is_used_under_a_policy_that_asks_for_no_more() {
    let used = |policy: &str, later| Case::sealed(&used_under(policy, later).rows).verify();
    let looser = POLICY.replace("quorum = 2", "quorum = 1").replace("15m", "10m");
    assert_eq!(used(&looser, 5).verdict, Verdict::Verified);
    // Several servers don't read a policy in the same moment.
    let hard = POLICY.replace("\"soft\"", "\"hard\"");
    assert_eq!(used(&hard, 1).verdict, Verdict::Verified);
    assert_eq!(used(&hard, 2).step(Step::Policy).refuted, 1);
    // Without its text, nobody knows what it asks for.
    let mut case = Case::sealed(&used_under(&hard, 2).rows);
    let at = case.bodies.iter().rposition(|body| body.content.contains("default_tier")).unwrap();
    case.bodies.remove(at);
    let report = case.verify();
    assert_eq!(report.step(Step::Policy).verdict, Verdict::Redacted);
    assert_eq!(report.step(Step::Policy).redacted, 2);
}

#[test]
fn an_edited_action_is_judged_again_when_its_permit_is_used() {
    let into_main = |arguments| {
        let mut w = World::new();
        let merge = w.propose("git_merge", json!({"branch": "big", "into": "main"}));
        w.minutes(1);
        w.edit(merge, "ana", arguments);
        let rule =
            "[[rule]]\ntool = \"git_merge\"\nargs.into = \"main\"\ntier = \"hard\"\nquorum = 2\n";
        w.policy(&format!("{POLICY}\n{rule}"));
        w.minutes(2);
        w.redeem(merge);
        Case::sealed(&w.rows).verify().step(Step::Policy).verdict
    };
    assert_eq!(into_main(json!({"branch": "big", "into": "staging"})), Verdict::Verified);
    assert_eq!(into_main(json!({"branch": "bigger", "into": "main"})), Verdict::Refuted);
}
