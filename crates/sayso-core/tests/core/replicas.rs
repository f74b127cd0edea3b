//! Two servers on one database, checked exhaustively by a model checker: every interleaving of
//! redeem, veto, deadline and halt, with the law itself as the transition function. What the
//! servers share is modelled as the store has it: a unit of work locks the escalation's row when it
//! begins and keeps it until it commits; halts are rows of their own, read when it begins.

use sayso_core::escalation::ReceiptResult;
use sayso_core::grant::Basis;
use sayso_core::{Escalation, Event, Heard, Hearing, Moment, Tier, decide};
use stateright::{Checker, Model, Property};

use crate::world::{Beginning, Listener, Program, Step, Today, Who, World, halt, minutes};

/// Long enough for a window, and for a permit to lapse.
const TICK: sayso_core::Period = minutes(10);
/// How often time passes.
const TICKS: u8 = 2;

/// Two servers and their database.
struct Servers {
    /// What the policy asks.
    tier: Tier,
    /// Whether a unit of work locks the row, as it must.
    locks: bool,
}

/// What is in the database, what each server is at, and what must be remembered to judge them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    ticks: u8,
    /// The escalation as it is kept.
    row: String,
    halt: HaltIs,
    servers: [Option<Unit>; 2],
    seen: Seen,
}

/// One halt, which is called and lifted once: more would be the same over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum HaltIs {
    NotCalled,
    InForce,
    Lifted,
}

/// A unit of work that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unit {
    does: Does,
    row: String,
    ticks: u8,
    halted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Does {
    Approve,
    Veto,
    Redeem,
    Report,
    Tick,
    /// Carries the halt to the escalation, or its end.
    Sweep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Happens {
    Begins(usize, Does),
    Commits(usize),
    TimePasses,
    Halt,
    Lift,
}

/// What has happened so far, as those outside saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Seen {
    starts: u8,
    refused: bool,
    granted: bool,
    by_silence: bool,
    /// It was started after a person's no was committed.
    started_after_no: bool,
    /// It was started by a unit that began when a halt was in force.
    started_under_halt: bool,
    /// Silence granted what is hard, or more than was heard.
    bad_silence: bool,
}

fn read(row: &str) -> Escalation {
    serde_json::from_str(row).unwrap()
}

fn written(escalation: &Escalation) -> String {
    serde_json::to_string(escalation).unwrap()
}

impl Unit {
    /// What the law says to it.
    fn says(&self) -> Option<(World, Escalation, Vec<Event>, Moment)> {
        let mut world = World::new(Beginning::Action(Tier::Soft, 1));
        world.escalation = read(&self.row);
        let passed = TICK.as_micros() * u64::from(self.ticks);
        let at = world.at + std::time::Duration::from_micros(passed);
        let moment = Moment {
            at,
            // Somebody listens all the time.
            hearing: Hearing { reading: Heard::from_micros(passed), running: true, last: Some(at) },
            halt: self.halted.then(|| halt(1)),
        };
        let step = match (self.does, self.halted) {
            (Does::Approve, _) => Step::Approve(Who::Ana),
            (Does::Veto, _) => Step::VetoBlind(Who::Bo),
            (Does::Redeem, _) => Step::Redeem(Program::Executor, Today::Same),
            (Does::Report, _) => Step::Report(Program::Executor, ReceiptResult::Succeeded),
            (Does::Tick, _) => Step::Tick(0),
            (Does::Sweep, true) => Step::Halt(1),
            (Does::Sweep, false) => Step::Lift(1),
        };
        let events = decide(&world.escalation, &world.command(step)?, &moment).ok()?;
        let mut after = world.escalation.clone();
        for event in &events {
            after = after.apply(event, at).unwrap();
        }
        Some((world, after, events, moment))
    }
}

impl State {
    fn commit(&mut self, unit: &Unit) {
        let Some((world, after, events, _)) = unit.says() else { return };
        for event in &events {
            match event {
                Event::Started { .. } => {
                    self.seen.starts += 1;
                    self.seen.started_after_no |= self.seen.refused;
                    self.seen.started_under_halt |= unit.halted;
                }
                Event::Vetoed { .. } | Event::Denied { .. } => self.seen.refused = true,
                Event::Granted { grant, .. } => {
                    self.seen.granted = true;
                    let silent = grant.basis() == Basis::Silence;
                    self.seen.by_silence |= silent;
                    let too_soon = grant.silence().is_some_and(|(heard, window)| heard < window);
                    let hard = world.escalation.tier() == Tier::Hard;
                    self.seen.bad_silence |= silent && (hard || too_soon);
                }
                _ => {}
            }
        }
        self.row = written(&after);
    }
}

type Judge = fn(&Servers, &State) -> bool;

impl Model for Servers {
    type State = State;
    type Action = Happens;

    fn init_states(&self) -> Vec<State> {
        let mut world = World::new(Beginning::Action(self.tier, 1));
        world.step(Step::Pass(minutes(0), Listener::There), &mut |_| {});
        world.all(&[Step::Deliver]);
        let row = written(&world.escalation);
        let servers = [None, None];
        vec![State { ticks: 0, row, halt: HaltIs::NotCalled, servers, seen: Seen::default() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Happens>) {
        let is_locked = self.locks && state.servers.iter().any(Option::is_some);
        for (server, unit) in state.servers.iter().enumerate() {
            match unit {
                Some(_) => actions.push(Happens::Commits(server)),
                None if is_locked => {}
                None => actions.extend(
                    [
                        Does::Approve,
                        Does::Veto,
                        Does::Redeem,
                        Does::Report,
                        Does::Tick,
                        Does::Sweep,
                    ]
                    .map(|does| Happens::Begins(server, does)),
                ),
            }
        }
        if state.ticks < TICKS {
            actions.push(Happens::TimePasses);
        }
        match state.halt {
            HaltIs::NotCalled => actions.push(Happens::Halt),
            HaltIs::InForce => actions.push(Happens::Lift),
            HaltIs::Lifted => {}
        }
    }

    fn next_state(&self, last: &State, action: Happens) -> Option<State> {
        let mut state = last.clone();
        match action {
            Happens::Begins(server, does) => {
                let State { row, ticks, halt, .. } = last.clone();
                let unit = Unit { does, row, ticks, halted: halt == HaltIs::InForce };
                // What is refused commits nothing, whenever it ends.
                unit.says().filter(|(_, _, events, _)| !events.is_empty())?;
                state.servers[server] = Some(unit);
            }
            Happens::Commits(server) => {
                let unit = state.servers[server].take()?;
                state.commit(&unit);
            }
            Happens::TimePasses => state.ticks += 1,
            Happens::Halt => state.halt = HaltIs::InForce,
            Happens::Lift => state.halt = HaltIs::Lifted,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let always: [(_, Judge); 4] = [
            ("it is started once at most", |_, state| state.seen.starts <= 1),
            ("a no that is committed stands", |_, state| !state.seen.started_after_no),
            ("nothing begins under a halt", |_, state| !state.seen.started_under_halt),
            ("silence grants what is soft when it was heard", |_, state| !state.seen.bad_silence),
        ];
        let sometimes: [(_, Judge); 3] = [
            ("a person says no", |_, state| state.seen.refused),
            ("a person says yes", |_, state| state.seen.granted && !state.seen.by_silence),
            ("it is started", |_, state| state.seen.starts == 1),
        ];
        let silent: Judge = |_, state| state.seen.by_silence;
        let never_silent: Judge = |_, state| !state.seen.by_silence;
        let by_silence = match self.tier {
            Tier::Soft => Property::sometimes("silence grants it", silent),
            _ => Property::always("silence grants nothing", never_silent),
        };
        let always = always.map(|(name, judge)| Property::always(name, judge));
        let sometimes = sometimes.map(|(name, judge)| Property::sometimes(name, judge));
        always.into_iter().chain(sometimes).chain([by_silence]).collect()
    }
}

#[test]
fn no_interleaving_of_two_servers_breaks_a_promise() {
    for tier in [Tier::Soft, Tier::Hard] {
        let checker = Servers { tier, locks: true }.checker().spawn_bfs().join();
        checker.assert_properties();
        assert!(checker.unique_state_count() > 500, "{}", checker.unique_state_count());
    }
}

#[test]
fn without_the_rows_lock_it_would_be_started_twice() {
    let servers = Servers { tier: Tier::Soft, locks: false };
    let checker = servers.checker().spawn_bfs().join();
    assert!(checker.discovery("it is started once at most").is_some());
    assert!(checker.discovery("a no that is committed stands").is_some());
}
