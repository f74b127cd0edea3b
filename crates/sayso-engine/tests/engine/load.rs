//! Random loads: many escalations at once, on a store that fails now and then and a server that
//! is restarted in between. The audit at the end holds the ledger against the law.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use sayso_core::credential::{Agent, Person};
use sayso_core::decision::{Says, Seen};
use sayso_core::escalation::ReceiptResult;
use sayso_core::halt::Scope;
use sayso_core::{Digest, EscalationId, HaltId, Period, ToolName};
use sayso_engine::{DecideError, Engine, EngineError, Listening, NewEscalation};
use serde_json::json;

use crate::clock::{minutes, seconds};
use crate::faulty::{Fault, Faulty, Plan};
use crate::world::{World, call, heard, object, question, says_on};

const SEEDS: [u64; 4] = [1, 2, 3, 4];
const STEPS: usize = 150;

/// Numbers as random as a test needs them (splitmix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.throw() % bound
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }
}

/// Something somebody asks of the engine.
enum Wish {
    Propose(NewEscalation),
    Deliver,
    Decide(Person, Says),
    Edit(Person),
    Withdraw(Agent),
    Redeem(Agent),
    Report(Agent, ReceiptResult),
}

fn wish(dice: &mut Dice, world: &World) -> Wish {
    let people = [world.ana.clone(), world.bo.clone()];
    let agents = [world.bot.clone(), world.bot.clone(), world.mule.clone()];
    match dice.below(20) {
        0..=4 => Wish::Propose(proposal(dice)),
        5..=7 => Wish::Deliver,
        8 => Wish::Edit(dice.pick(&people)),
        9 => Wish::Withdraw(dice.pick(&agents)),
        10..=12 => Wish::Redeem(dice.pick(&agents)),
        13..=14 => {
            let results = [ReceiptResult::Succeeded, ReceiptResult::Failed, ReceiptResult::Unknown];
            Wish::Report(dice.pick(&agents), dice.pick(&results))
        }
        _ => {
            let says = [
                Says::Approve,
                Says::Approve,
                Says::Approve,
                Says::Deny,
                Says::Veto,
                Says::Hold,
                Says::Take,
                Says::Answer(json!("A")),
            ];
            Wish::Decide(dice.pick(&people), dice.pick(&says))
        }
    }
}

fn proposal(dice: &mut Dice) -> NewEscalation {
    if dice.below(6) == 0 {
        return question(json!({"text": "Which?", "options": ["A", "B"], "default": "A"}), None);
    }
    let tool = dice.pick(&["note_it", "merge", "merge", "merge_all", "few", "deploy", "pay"]);
    let key = (dice.below(3) == 0).then(|| {
        let body = [u8::try_from(dice.below(2)).unwrap()];
        (format!("key {}", dice.below(20)), Digest::of(&body))
    });
    NewEscalation { key, ..call(tool) }
}

async fn grant(engine: Engine, id: Option<EscalationId>, wish: Wish, bot: Agent) -> Done {
    let Some(id) = id.filter(|_| !matches!(wish, Wish::Propose(_))) else {
        let Wish::Propose(new) = wish else { return Done::Nothing };
        return match engine.propose(&bot, new).await {
            Ok(record) => Done::Proposed(record.escalation.id()),
            Err(error) => refused(&error),
        };
    };
    let done = match wish {
        Wish::Propose(_) => return Done::Nothing,
        Wish::Deliver => engine.delivered(id, "inbox").await,
        Wish::Decide(person, says) => person_did(says_on(&engine, &person, id, says).await),
        Wish::Edit(person) => {
            let digest = engine.get(id).await.unwrap().escalation.digest();
            let arguments = object(&json!({"branch": "edited"}));
            let edit = engine.approve_edited(id, &person, arguments, Seen::digest(digest), None);
            person_did(edit.await)
        }
        Wish::Withdraw(agent) => engine.withdraw(id, &agent).await.map(drop),
        Wish::Redeem(agent) => {
            let record = engine.get(id).await.unwrap();
            match engine.permit(&record.escalation) {
                Some(permit) => engine.redeem(&permit, &agent).await.map(drop),
                None => Ok(()),
            }
        }
        Wish::Report(agent, result) => engine.report(id, &agent, result, None).await.map(drop),
    };
    done.map_or_else(|error| refused(&error), |()| Done::Nothing)
}

enum Done {
    Nothing,
    Proposed(EscalationId),
    StoreFailed,
}

fn person_did<T>(done: Result<T, DecideError>) -> Result<(), EngineError> {
    match done {
        Ok(_) => Ok(()),
        Err(DecideError::Engine(error)) => Err(error),
        Err(
            error @ (DecideError::NotAReviewer(_)
            | DecideError::NotSigned(_)
            | DecideError::NotYourKey(_)),
        ) => panic!("{error}"),
    }
}

/// Whatever goes wrong is a refusal, or a failure of the store.
fn refused(error: &EngineError) -> Done {
    match error {
        EngineError::Refused(_) | EngineError::KeyReused => Done::Nothing,
        EngineError::Store(_) => Done::StoreFailed,
        other => panic!("{other:?}"),
    }
}

/// What a load has come to.
struct Load {
    dice: Dice,
    plan: Arc<Plan>,
    ids: Vec<EscalationId>,
    listeners: Vec<Listening>,
    veto_works: bool,
    halts: Vec<HaltId>,
    /// All the time in which somebody listened.
    listened: Period,
    /// What that was when an escalation was proposed.
    before: HashMap<EscalationId, Period>,
}

impl Load {
    async fn step(&mut self, world: &mut World) {
        match self.dice.below(20) {
            0..=10 => self.commands(world).await,
            11..=13 => {
                let period = Period::from_micros(self.dice.below(minutes(12).as_micros()));
                if !self.listeners.is_empty() && self.veto_works {
                    self.listened = self.listened.plus(period);
                }
                world.clock.pass(period);
            }
            14 => {
                let minutes = i64::try_from(self.dice.below(120)).unwrap() - 60;
                world.clock.step(SignedDuration::from_mins(minutes));
            }
            15 => self.listeners.push(world.engine().listen()),
            16 => drop(self.listeners.pop()),
            17 => match self.dice.below(3) {
                0 => {
                    self.veto_works = !self.veto_works;
                    world.engine().veto_works(self.veto_works);
                }
                1 => self.call_halt(world).await,
                _ => self.lift_halt(world).await,
            },
            18 => {
                let fault = self.dice.pick(&[Fault::Away, Fault::BeforeCommit, Fault::AfterCommit]);
                self.plan.next(fault, 1);
            }
            _ => self.restart(world).await,
        }
        world.engine().clock_moved();
        self.listened_enough(world).await;
    }

    async fn commands(&mut self, world: &World) {
        let count = 1 + self.dice.below(8);
        let tasks = (0..count).map(|_| {
            let wish = wish(&mut self.dice, world);
            // The youngest are the liveliest.
            let young = self.ids.len().saturating_sub(12);
            let id = (!self.ids.is_empty()).then(|| self.dice.pick(&self.ids[young..]));
            tokio::spawn(grant(world.engine().clone(), id, wish, world.bot.clone()))
        });
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Done::Nothing => {}
                Done::Proposed(id) => {
                    self.ids.push(id);
                    self.before.entry(id).or_insert(self.listened);
                }
                Done::StoreFailed => self.plan.mend(),
            }
        }
    }

    async fn call_halt(&mut self, world: &World) {
        let scopes = [
            Scope::Everything,
            Scope::Agent(world.bot.name().clone()),
            Scope::Tool(ToolName::new("merge").unwrap()),
        ];
        let scope = self.dice.pick(&scopes);
        if let Ok(halt) = world.engine().halt(&world.ana, scope, "stop".into()).await {
            self.halts.push(halt.id);
        }
    }

    async fn lift_halt(&mut self, world: &World) {
        // Also those whose calling was kept but not acknowledged.
        for halt in world.server().store.halts().await.unwrap() {
            let _ = world.engine().lift(&world.bo, halt.id).await;
        }
        self.halts.clear();
    }

    async fn restart(&mut self, world: &mut World) {
        self.listeners.clear();
        self.veto_works = true;
        self.plan.mend();
        world.stop().await;
        world.clock.boot();
        world.clock.pass(seconds(self.dice.below(600)));
        world.start_on(Faulty::over(&self.plan)).await;
    }

    /// Nothing has heard more silence than there was.
    async fn listened_enough(&self, world: &World) {
        for id in self.ids.iter().rev().take(12) {
            let most = self.listened.minus(self.before[id]);
            if let Some(heard) = heard(world.engine(), *id).await {
                assert!(heard <= most, "{id}: {heard} heard of {most}");
            }
        }
    }
}

pub(crate) async fn whatever_is_asked_in_whatever_order_the_ledger_is_the_state(world: &mut World) {
    for seed in SEEDS {
        println!("seed {seed}");
        let plan = Arc::new(Plan::default());
        world.start_on(Faulty::over(&plan)).await;
        let mut load = Load {
            dice: Dice(seed),
            plan,
            ids: Vec::new(),
            listeners: Vec::new(),
            veto_works: true,
            halts: Vec::new(),
            listened: Period::ZERO,
            before: HashMap::new(),
        };
        for _ in 0..STEPS {
            load.step(world).await;
        }
        load.plan.mend();
        load.lift_halt(world).await;
        world.restart().await;
        world.audit().await;
    }
}
