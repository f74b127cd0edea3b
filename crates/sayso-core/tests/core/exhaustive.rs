//! Every story up to a depth: all sequences of steps from each beginning, walked breadth first,
//! each state and clock entered once, with the laws asserted on every turn.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use sayso_core::escalation::ReceiptResult;
use sayso_core::{Event, Tier};

use crate::laws;
use crate::world::{Beginning, LIMIT, Listener, Program, Step, Today, Turn, Who, World, minutes};

/// What may happen at every turn.
const STEPS: [Step; 25] = [
    Step::Approve(Who::Ana),
    Step::Approve(Who::Bo),
    Step::ApproveOther(Who::Cy),
    Step::ApproveBlind(Who::Cy),
    Step::Edit(Who::Ana, Tier::Fyi, 1),
    Step::Edit(Who::Bo, Tier::Soft, 2),
    Step::Edit(Who::Cy, Tier::Hard, 2),
    Step::Deny(Who::Ana),
    Step::VetoBlind(Who::Bo),
    Step::Hold(Who::Cy),
    Step::Take(Who::Ana),
    Step::Retract(Who::Bo),
    Step::Answer(Who::Bo),
    Step::Withdraw(Program::Owner),
    Step::Deliver,
    Step::Tick(0),
    Step::Tick(LIMIT),
    Step::Redeem(Program::Executor, Today::Same),
    Step::Redeem(Program::Executor, Today::Hard(2)),
    Step::Redeem(Program::Stranger, Today::Same),
    Step::Report(Program::Executor, ReceiptResult::Succeeded),
    Step::Halt(1),
    Step::Lift(1),
    Step::Pass(minutes(10), Listener::There),
    Step::Pass(minutes(20), Listener::Gone),
];

/// What a walk came across.
struct Walk {
    /// How many different states and clocks.
    states: usize,
    /// How many steps.
    steps: usize,
    /// The words of all events.
    words: HashSet<&'static str>,
}

fn walk(beginning: Beginning, depth: usize) -> Walk {
    let begun = World::new(beginning);
    let mut seen = HashSet::from([fingerprint(&begun)]);
    let mut walk = Walk { states: 1, steps: 0, words: HashSet::new() };
    let mut frontier = vec![begun];
    for _ in 0..depth {
        let mut next = Vec::new();
        for world in &frontier {
            for step in STEPS {
                let mut world = world.clone();
                let mut judge = |turn: &Turn| {
                    laws::hold(turn);
                    let events = turn.said.as_deref().unwrap_or_default();
                    walk.words.extend(events.iter().map(Event::word));
                };
                let said = world.step(step, &mut judge);
                walk.steps += 1;
                // A refused command has left everything as it was: that is one of the laws.
                if !matches!(said, Some(Err(_))) && seen.insert(fingerprint(&world)) {
                    laws::hold_still(&world);
                    next.push(world);
                }
            }
        }
        frontier = next;
    }
    walk.states = seen.len();
    walk
}

/// All that the future depends on: the state but for its version, the clocks, the model's books.
fn fingerprint(world: &World) -> u64 {
    let state = serde_json::to_string(&world.escalation).unwrap();
    let (before, after) = state.split_once("\"version\":").unwrap();
    let mut hasher = DefaultHasher::new();
    before.hash(&mut hasher);
    after.trim_start_matches(|c: char| c.is_ascii_digit()).hash(&mut hasher);
    let hearing = &world.hearing;
    (world.at, hearing.reading, hearing.running, hearing.last, &world.halts).hash(&mut hasher);
    format!("{:?}", world.model).hash(&mut hasher);
    hasher.finish()
}

fn all(beginning: Beginning, depth: usize, at_least: usize, words: &[&str]) {
    let walk = walk(beginning, depth);
    println!("{beginning:?}: {} states by {} steps", walk.states, walk.steps);
    assert!(walk.states >= at_least, "only {} states: the walk is broken", walk.states);
    for word in words {
        assert!(walk.words.contains(word), "nothing was ever {word}: the walk is broken");
    }
}

#[test]
fn every_short_story_of_a_notice_keeps_every_promise() {
    all(Beginning::Action(Tier::Fyi, 1), 7, 100, &[]);
}

#[test]
fn every_short_story_of_a_soft_action_for_one_keeps_every_promise() {
    all(Beginning::Action(Tier::Soft, 1), 6, 20_000, &["granted", "started", "vetoed", "lapsed"]);
}

#[test]
fn every_short_story_of_a_soft_action_for_two_keeps_every_promise() {
    all(Beginning::Action(Tier::Soft, 2), 6, 20_000, &["granted", "started", "edited", "thawed"]);
}

#[test]
fn every_short_story_of_a_hard_action_for_one_keeps_every_promise() {
    all(Beginning::Action(Tier::Hard, 1), 7, 40_000, &["granted", "receipted", "denied", "halted"]);
}

#[test]
fn every_short_story_of_a_hard_action_for_two_keeps_every_promise() {
    all(Beginning::Action(Tier::Hard, 2), 7, 40_000, &["granted", "started", "edited", "frozen"]);
}

#[test]
fn every_short_story_of_a_soft_question_keeps_every_promise() {
    all(Beginning::Question(Tier::Soft), 7, 20_000, &["answered", "vetoed", "hardened", "taken"]);
}

#[test]
fn every_short_story_of_a_hard_question_keeps_every_promise() {
    all(Beginning::Question(Tier::Hard), 7, 6_000, &["answered", "denied", "withdrawn"]);
}
