//! Veto, deadline and redeem at the same moment, thousands of times, by HTTP; on one server, and
//! on two that share a database. What must hold is read from the ledger.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sayso_client::wire::{Action, Decide, Propose};
use sayso_client::{Client, ClientError};
use serde_json::Value;

use crate::server::{Server, Setup};

const POLICY: &str = r#"
[[rule]]
tool = "merge"
tier = "soft"
window = "30ms"
silent_limit = "none"
"#;

/// How many rounds there are, unless the time is up before.
const ROUNDS: u32 = 2_000;
const TIME: Duration = Duration::from_secs(40);
/// How few would be no race worth the name.
const FEWEST: u32 = 300;
/// How many rounds go on at once.
const LANES: u32 = 12;
/// How long an outcome may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the racers of one round were told.
#[derive(Debug, Default)]
struct Round {
    redeemed: u32,
    vetoed: bool,
}

/// Has somebody listen who reads all that they are sent; who does not is not listening. It lasts as
/// long as the server.
fn listen(server: &Server, ana: &str) {
    let mut events = Client::new(&server.url, ana).events(None, "terminal").unwrap();
    assert!(events.any(|event| event.unwrap().word == "ready"));
    std::thread::spawn(move || events.take_while(Result::is_ok).for_each(drop));
}

/// Races on these servers; each round as its racers saw it, by escalation.
fn race(servers: &[&Server], bot: &str, ana: &str) -> HashMap<String, Round> {
    let (rounds, next) = (Mutex::new(HashMap::new()), AtomicU32::new(0));
    let begun = Instant::now();
    let lane = || {
        let agents: Vec<_> = servers.iter().map(|server| Client::new(&server.url, bot)).collect();
        let people: Vec<_> = servers.iter().map(|server| Client::new(&server.url, ana)).collect();
        while begun.elapsed() < TIME {
            let round = next.fetch_add(1, Ordering::Relaxed);
            if round >= ROUNDS {
                return;
            }
            let (id, seen) = one(round, &agents, &people[round as usize % people.len()]);
            rounds.lock().unwrap().insert(id, seen);
        }
    };
    std::thread::scope(|scope| (0..LANES).for_each(|_| drop(scope.spawn(lane))));
    rounds.into_inner().unwrap()
}

/// One soft action, for which two redeem at each server as soon as it is granted. Three times of
/// four somebody vetoes it: before, at, or after its deadline.
fn one(round: u32, agents: &[Client], person: &Client) -> (String, Round) {
    let action = Action {
        tool: "merge".into(),
        arguments: [("round".to_owned(), round.into())].into_iter().collect(),
        resource: None,
        precondition: None,
    };
    let propose = Propose { action: Some(action), ..Propose::default() };
    let asked = agents[0].propose(&propose, None, Duration::ZERO).unwrap();
    let redeem = |agent: &Client| {
        let settled = agent.get(&asked.id, PATIENCE).unwrap();
        assert!(!settled.is_pending(), "silence is heard, or somebody vetoes: {settled:?}");
        let Some(permit) = settled.permit else { return 0 };
        let done = agent.redeem(&permit);
        u32::from(succeeded(done, &["already-redeemed", "not-granted", "already-settled"]))
    };
    let veto = || {
        // The moments of all rounds are spread evenly around the deadline.
        std::thread::sleep(Duration::from_micros(u64::from(round % 61) * 1_000));
        let veto = Decide { decision: "veto".into(), ..Decide::default() };
        succeeded(person.decide(&asked.id, &veto), &["already-settled"])
    };
    let seen = std::thread::scope(|scope| {
        let racers: Vec<_> =
            agents.iter().chain(agents).map(|agent| scope.spawn(|| redeem(agent))).collect();
        let vetoed = (!round.is_multiple_of(4)).then(|| scope.spawn(veto));
        Round {
            redeemed: racers.into_iter().map(|racer| racer.join().unwrap()).sum(),
            vetoed: vetoed.is_some_and(|vetoed| vetoed.join().unwrap()),
        }
    });
    (asked.id, seen)
}

/// Whether it was done; if not, it was refused as one of these kinds.
fn succeeded<T: std::fmt::Debug>(done: Result<T, ClientError>, kinds: &[&str]) -> bool {
    match done {
        Ok(_) => true,
        Err(ClientError::Refused(problem)) => {
            let kind = problem.kind.trim_start_matches("/problems/");
            assert!(kinds.contains(&kind), "{problem:?}");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// The words of each escalation's history, in order.
fn histories(server: &Server, ana: &str) -> HashMap<String, Vec<String>> {
    let client = Client::new(&server.url, ana);
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut from = 1;
    loop {
        let page: Value = client.fetch(&format!("/v1/ledger/entries?from={from}")).unwrap();
        let items = page["items"].as_array().unwrap();
        for item in items {
            from = item["seq"].as_u64().unwrap() + 1;
            if let Some(id) = item["escalation"].as_str() {
                let word = item["event"]["type"].as_str().unwrap().to_owned();
                found.entry(id.to_owned()).or_default().push(word);
            }
        }
        if items.is_empty() {
            return found;
        }
    }
}

/// What must be true of every round, whoever won it.
fn holds(rounds: &HashMap<String, Round>, histories: &HashMap<String, Vec<String>>) {
    assert!(rounds.len() >= FEWEST as usize, "only {} rounds", rounds.len());
    let mut ends = BTreeSet::new();
    for (id, round) in rounds {
        let history = &histories[id];
        let at = |word: &str| {
            let mut places = (0..history.len()).filter(|place| history[*place] == word);
            let first = places.next();
            assert_eq!(places.next(), None, "{word} twice: {history:?}");
            first
        };
        let (granted, vetoed, started) = (at("granted"), at("vetoed"), at("started"));
        let about = || format!("{round:?} {history:?}");
        // A veto and a start shut each other out, whichever came first.
        assert!(vetoed.is_none() || started.is_none(), "{}", about());
        assert!(vetoed.is_some() || started.is_some(), "nobody won: {}", about());
        assert!(started.is_none() || granted < started && granted.is_some(), "{}", about());
        // What the racers were told is what happened.
        assert_eq!(round.redeemed, u32::from(started.is_some()), "{}", about());
        assert_eq!(round.vetoed, vetoed.is_some(), "{}", about());
        ends.insert((granted.is_some(), vetoed.is_some(), started.is_some()));
    }
    let word = |end| if ends.contains(&end) { "seen" } else { "not seen" };
    println!(
        "{} rounds; vetoed before the deadline {}, vetoed after it {}, started {}",
        rounds.len(),
        word((false, true, false)),
        word((true, true, false)),
        word((true, false, true)),
    );
    assert!(ends.len() > 1, "the race always ended the same way: {ends:?}");
}

fn raced(database: Option<String>, count: usize) {
    let setup = Setup { policy: POLICY, database, flags: &["--rate", "0"] };
    let servers: Vec<_> = (0..count).map(|_| setup.start()).collect();
    let (bot, ana) = (servers[0].agent("bot"), servers[0].reviewer("ana"));
    listen(&servers[0], &ana);
    let rounds = race(&servers.iter().collect::<Vec<_>>(), &bot, &ana);
    holds(&rounds, &histories(&servers[0], &ana));
}

#[test]
fn a_veto_and_a_start_shut_each_other_out_thousands_of_times_on_sqlite() {
    raced(None, 1);
}

#[test]
fn two_servers_never_start_one_grant_twice_nor_one_that_was_vetoed_on_postgresql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    raced(Some(runtime.block_on(sayso_testkit::postgres::database())), 2);
}
