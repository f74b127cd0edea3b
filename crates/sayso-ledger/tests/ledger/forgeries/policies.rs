//! Verdicts that the policy did not give.

use sayso_core::Digest;
use sayso_ledger::verify::Step;
use serde_json::json;

use super::{Forged, changed, find, refuted, resealed};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::World;

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
    vec![
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
    ]
}
