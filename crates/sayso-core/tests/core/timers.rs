//! Time never grants a hard escalation, shown by cases: every state that an escalation can be kept
//! in, reachable or not, up to the numbers in it, and each of those at and beside every boundary;
//! every moment at which time can act on it; every command that takes no person.

use sayso_core::escalation::PERMIT_LASTS;
use sayso_core::grant::{Basis, Grant};
use sayso_core::{Command, Escalation, Event, Heard, Hearing, Moment, Period, Tier, decide};
use serde_json::{Value, json};

use crate::world::{Beginning, Bytes, LIMIT, UNHEARD, WINDOW, World, dawn, halt};

/// Just before, at, and just after a length of time from the beginning.
fn around(period: Period) -> [Period; 3] {
    let one = Period::from_micros(1);
    [period.minus(one), period, period.plus(one)]
}

fn waits() -> Vec<Value> {
    let hard = |because: Value| match because {
        Value::Null => json!({"tier": "hard"}),
        because => json!({"tier": "hard", "because": because}),
    };
    let mut waits = vec![
        hard(Value::Null),
        hard(json!({"cause": "held", "by": "ana"})),
        hard(json!({"cause": "unheard"})),
        hard(json!({"cause": "silent_limit"})),
        hard(json!({"cause": "edited", "by": "ana"})),
    ];
    let since = [dawn(), WINDOW.after(dawn())];
    for since in since {
        let soft = |more: Value| {
            let mut wait = json!({"tier": "soft", "since": since});
            wait.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            wait
        };
        waits.push(soft(json!({"silence": "undelivered"})));
        for from in [i64::MIN, -1, 0, i64::MAX] {
            waits.push(soft(json!({"silence": "counting", "from": from})));
        }
        for heard in [Period::ZERO, WINDOW, Period::from_secs(1_000_000_000)] {
            waits.push(soft(json!({"silence": "stopped", "heard": heard})));
        }
    }
    waits
}

/// No approval, one, and as many as a quorum takes: recorded ones, with nobody behind them now.
fn approvals() -> [Value; 3] {
    let approval =
        |by: &str| json!({"by": by, "digest": Bytes::Proposed.digest(), "assurance": "signed"});
    [json!([]), json!([approval("ana")]), json!([approval("ana"), approval("bo"), approval("cy")])]
}

/// Every state in which one can be kept open.
fn states() -> Vec<Escalation> {
    let mut states = Vec::new();
    let takes = [Value::Null, json!({"by": "bo", "until": WINDOW.after(dawn())})];
    let halts = [Value::Null, json!(halt(1))];
    for beginning in [
        Beginning::Action(Tier::Soft, 1),
        Beginning::Action(Tier::Soft, 2),
        Beginning::Action(Tier::Hard, 1),
        Beginning::Action(Tier::Hard, 2),
        Beginning::Question(Tier::Soft),
        Beginning::Question(Tier::Hard),
    ] {
        let begun = serde_json::to_value(&World::new(beginning).escalation).unwrap();
        for wait in waits() {
            for approvals in approvals() {
                for take in &takes {
                    for frozen in &halts {
                        let mut state = begun.clone();
                        state["phase"] = json!({
                            "state": "pending", "wait": wait, "approvals": approvals,
                            "taken": take, "frozen": frozen,
                        });
                        states.push(serde_json::from_value(state).unwrap());
                    }
                }
            }
        }
    }
    states
}

fn moments(escalation: &Escalation) -> Vec<Moment> {
    let boundaries = [WINDOW, UNHEARD, PERMIT_LASTS, WINDOW.plus(UNHEARD)];
    let mut times: Vec<_> =
        boundaries.into_iter().flat_map(around).map(|period| period.after(dawn())).collect();
    let expiry = Period::between(dawn(), escalation.expires_at());
    times.extend(around(expiry).map(|period| period.after(dawn())));
    times.extend([dawn(), jiff::Timestamp::MAX]);
    let readings = around(WINDOW).map(|period| Heard::from_micros(period.as_micros()));
    let readings =
        [Heard::from_micros(0), Heard::from_micros(u64::MAX)].into_iter().chain(readings);
    let mut moments = Vec::new();
    for reading in readings {
        for at in &times {
            for (running, last) in [(false, None), (false, Some(dawn())), (true, Some(*at))] {
                for halt in [None, Some(halt(1))] {
                    let hearing = Hearing { reading, running, last };
                    moments.push(Moment { at: *at, hearing, halt });
                }
            }
        }
    }
    moments
}

#[test]
fn no_command_without_a_person_grants_or_answers_what_is_hard() {
    let mut commands: Vec<_> =
        [0, LIMIT, u32::MAX].map(|silent_grants| Command::Tick { silent_grants }).into();
    commands.push(Command::Deliver { channel: "inbox".into() });
    commands.extend([Command::Freeze(halt(1)), Command::Thaw(halt(1))]);
    let (mut tried, mut granted) = (0_u64, 0_u64);
    for state in states() {
        let hard = state.tier() == Tier::Hard;
        for moment in moments(&state) {
            for command in &commands {
                tried += 1;
                for event in decide(&state, command, &moment).unwrap_or_default() {
                    let silent = match &event {
                        Event::Granted { grant, .. } => {
                            assert!(!matches!(grant, Grant::Hard(_)), "{command:?}: {state:?}");
                            assert_eq!(grant.basis(), Basis::Silence, "{command:?}: {state:?}");
                            true
                        }
                        Event::Answered { basis, .. } => {
                            assert_eq!(*basis, Basis::Silence, "{command:?}: {state:?}");
                            true
                        }
                        _ => false,
                    };
                    assert!(!(silent && hard), "{command:?} at {moment:?}: {state:?}");
                    granted += u64::from(silent);
                }
            }
        }
    }
    println!("{tried} turns, {granted} of them granted or answered by silence");
    assert!(granted > 1_000, "silence never granted anything: the cases are broken");
}
