//! One honest day, in which about everything happens once.

use sayso_core::decision::Says;
use sayso_core::{EscalationId, Tier};
use serde_json::json;

use crate::world::{Row, World};

/// The day, and the escalations that forgers like best.
pub(crate) struct Day {
    pub(crate) rows: Vec<Row>,
    /// Soft: granted by silence, started, reported.
    pub(crate) silent: EscalationId,
    /// Hard: granted by ana and bo, started, reported.
    pub(crate) hard: EscalationId,
    /// Soft: vetoed after the grant, never started.
    pub(crate) vetoed: EscalationId,
    /// Soft: edited by ana, granted, started.
    pub(crate) edited: EscalationId,
    /// Soft: frozen by a halt, thawed, granted by silence.
    pub(crate) halted: EscalationId,
    /// Hard: signed by ana and by bo, started, reported.
    pub(crate) signed: EscalationId,
}

pub(crate) fn day() -> Day {
    let mut world = World::new();
    let day = tell(&mut world);
    world.enrol();
    let signed = world.propose("drop_table", json!({"table": "ledgers", "rows": 7}));
    world.minutes(1);
    world.sign(signed, "ana", Says::Approve);
    world.minutes(1);
    world.sign(signed, "bo", Says::Approve);
    world.redeem(signed);
    world.report(signed);
    Day { rows: world.rows, signed, ..day }
}

/// Lets the day happen in a workspace.
pub(crate) fn tell(w: &mut World) -> Day {
    w.minutes(1);
    let silent = w.propose("git_merge", json!({"branch": "feature", "into": "main"}));
    w.deliver(silent);
    w.minutes(16);
    w.tick(silent);
    w.minutes(1);
    w.redeem(silent);
    w.minutes(1);
    w.report(silent);

    let hard = w.propose("drop_table", json!({"table": "invoices", "rows": 120_000}));
    w.minutes(2);
    w.approve(hard, "ana");
    w.minutes(2);
    w.approve(hard, "bo");
    w.minutes(1);
    w.redeem(hard);
    w.report(hard);

    w.propose("post_message", json!({"channel": "#dev", "text": "done"}));

    let vetoed = w.propose("git_merge", json!({"branch": "hotfix", "into": "main"}));
    w.deliver(vetoed);
    w.minutes(16);
    w.tick(vetoed);
    w.minutes(1);
    w.says(vetoed, "cy", Says::Veto);

    let edited = w.propose("git_merge", json!({"branch": "big", "into": "main"}));
    w.deliver(edited);
    w.minutes(3);
    w.edit(edited, "ana", json!({"branch": "big", "into": "staging"}));
    w.minutes(1);
    w.redeem(edited);

    let question = w.ask(Tier::Hard);
    w.minutes(1);
    w.says(question, "bo", Says::Answer(json!("green")));
    let asked = w.ask(Tier::Soft);
    w.deliver(asked);
    w.minutes(16);
    w.tick(asked);

    let halted = w.propose("git_merge", json!({"branch": "late", "into": "main"}));
    w.deliver(halted);
    w.minutes(5);
    let halt = w.halt("bo", &[halted]);
    w.minutes(30);
    w.lift(halt, "ana", &[halted]);
    w.minutes(11);
    w.tick(halted);

    let denied = w.propose("drop_table", json!({"table": "people"}));
    w.minutes(1);
    w.approve(denied, "ana");
    w.says(denied, "cy", Says::Deny);
    let withdrawn = w.propose("drop_table", json!({"table": "logs"}));
    w.minutes(1);
    w.withdraw(withdrawn);
    Day { rows: Vec::new(), silent, hard, vetoed, edited, halted, signed: hard }
}
