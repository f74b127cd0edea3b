//! An older copy of the data put back under servers on PostgreSQL: noticed, refused, and gone on
//! with on a person's word, of which auditors are told.

use std::path::Path;
use std::time::Duration;

use sayso_client::Client;
use sayso_client::wire::Escalation;
use sayso_testkit::postgres;

use crate::server::{Server, Setup, json, sayso};

const ANYWHERE: &str = "127.0.0.1:0";

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Has the agent ask for something, and ana deny it; its id.
fn denied(server: &Server, bot: &str, ana: &str) -> String {
    let asked = server.as_(bot).args(["ask", "--tool", "drop", "--detach", "--json"]).output();
    let id = json(&asked.unwrap())["id"].as_str().unwrap().to_owned();
    let denied = server.as_(ana).args(["deny", &id]).output().unwrap();
    assert!(denied.status.success(), "{denied:?}");
    id
}

/// What a server says that does not start on that folder and database.
fn refused(data: &Path, database: &str) -> String {
    let mut serve = sayso();
    serve.arg("--data").arg(data).args(["--database", database, "serve", "--listen", ANYWHERE]);
    let output = serve.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The name of the log that a head is of.
fn origin(head: &str) -> &str {
    head.lines().next().unwrap()
}

/// Whether the auditor who trusts these keys, and kept that head, finds everything in order: the
/// exit code, and what is said.
fn verify(server: &Server, trust: &str, kept: Option<&str>) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let mut command = server.beside();
    command.args(["ledger", "verify", "--trust"]).arg(put("trust", trust));
    if let Some(kept) = kept {
        command.arg("--head").arg(put("kept", kept));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    (output.status.code().unwrap(), said)
}

#[test]
fn on_postgresql_an_older_copy_is_refused_until_a_person_says_so_and_auditors_are_told() {
    let database = wait(postgres::database());
    let server = Setup { database: Some(database.clone()), ..Setup::default() }.start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    denied(&server, &bot, &ana);
    let early = server.sealed();
    let folder = server.ended();
    let backup = wait(postgres::copy(&database));
    let server = Server::on(folder, Some(database), ANYWHERE);
    let lost = denied(&server, &bot, &ana);
    let late = server.sealed();
    let old_key = server.get("/v1/ledger/key");
    let folder = server.ended();

    let database = backup;
    for _ in 0..2 {
        let said = refused(folder.path(), &database);
        assert!(said.contains("an older copy of the data was put back"), "{said}");
        assert!(said.contains("start once with --accept-restored-backup"), "{said}");
        assert!(said.contains(folder.path().join("head").to_str().unwrap()), "{said}");
    }

    let accept = ["--accept-restored-backup"];
    let server = Server::with(folder, Some(database.clone()), ANYWHERE, &accept);
    let gone = server.as_(&bot).args(["show", &lost]).output().unwrap();
    assert_eq!(gone.status.code(), Some(2), "it is gone for good: {gone:?}");
    denied(&server, &bot, &ana);
    let head = server.sealed();
    assert_ne!(origin(&head), origin(&early));

    // Who knows the old key only can't overlook it, and who has been given the new one is told.
    let (code, said) = verify(&server, &old_key, None);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the trust file has no key of the log"), "{said}");
    let keys = old_key + &server.get("/v1/ledger/key");
    let size = late.lines().nth(1).unwrap();
    let told = format!(": the log {} ended here, at {size} entries", origin(&late));
    let (code, said) = verify(&server, &keys, Some(&early));
    assert_eq!(code, 0, "what the backup held is the same as ever: {said}");
    assert!(said.contains(&told), "{said}");
    let (code, said) = verify(&server, &keys, Some(&late));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&told), "{said}");
    assert!(said.contains("what it knew after that is not in this one"), "{said}");

    // From then on it needs no saying so.
    let server = Server::on(server.ended(), Some(database), ANYWHERE);
    denied(&server, &bot, &ana);
    assert_eq!(origin(&server.sealed()), origin(&head));
}

#[test]
fn of_two_servers_the_one_that_saw_more_refuses_and_what_it_is_told_holds_for_both() {
    let database = wait(postgres::database());
    let start = || Setup { database: Some(database.clone()), ..Setup::default() }.start();
    let (one, two) = (start(), start());
    let (bot, ana) = (one.agent("bot"), one.reviewer("ana"));
    denied(&one, &bot, &ana);
    let early = one.sealed();
    let (ones, twos) = (one.ended(), two.ended());
    let backup = wait(postgres::copy(&database));
    let two = Server::on(twos, Some(database), ANYWHERE);
    denied(&two, &bot, &ana);
    two.sealed();
    let twos = two.ended();

    // The first server misses nothing that it knows of.
    let database = backup;
    let mut one = Server::on(ones, Some(database.clone()), ANYWHERE);
    for _ in 0..2 {
        denied(&one, &bot, &ana);
    }
    assert_eq!(origin(&one.sealed()), origin(&early));
    let said = refused(twos.path(), &database);
    assert!(said.contains("start once with --accept-restored-backup"), "{said}");

    let accept = ["--accept-restored-backup"];
    let two = Server::with(twos, Some(database.clone()), ANYWHERE, &accept);
    let new = two.sealed();
    assert_ne!(origin(&new), origin(&early));
    one.says("this log has ended");
    // What comes in at either is in the one log.
    denied(&one, &bot, &ana);
    denied(&two, &bot, &ana);
    assert_eq!(origin(&two.sealed()), origin(&new));
    let one = Server::on(one.ended(), Some(database), ANYWHERE);
    denied(&one, &bot, &ana);
    assert_eq!(origin(&one.sealed()), origin(&new));
    let (code, said) = verify(&one, &one.get("/v1/ledger/key"), None);
    assert_eq!(code, 0, "{said}");
}

/// Asks for the same as ever, or for the one that is there for it.
fn joins(client: &Client) -> Escalation {
    let call = serde_json::json!({"action": {"tool": "drop", "arguments": {"n": 1}}, "join": true});
    let asked = client.propose(&serde_json::from_value(call).unwrap(), None, Duration::ZERO);
    asked.unwrap()
}

#[test]
fn what_was_granted_before_an_older_copy_was_put_back_may_have_been_used_and_is_not_again() {
    let database = wait(postgres::database());
    let start =
        |database: &String| Setup { database: Some(database.clone()), ..Setup::default() }.start();
    let server = start(&database);
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let approve = |server: &Server, id: &str| {
        let approved = server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
        assert!(approved.status.success(), "{approved:?}");
    };
    let granted = joins(&Client::new(&server.url, &bot)).id;
    approve(&server, &granted);
    let folder = server.ended();
    let backup = wait(postgres::copy(&database));
    let server = Server::on(folder, Some(database), ANYWHERE);
    let redeem = |server: &Server, id: &str| {
        let client = Client::new(&server.url, &bot);
        let permit = client.get(id, Duration::ZERO).unwrap().permit.unwrap();
        client.redeem(&permit).map_err(|error| error.to_string())
    };
    redeem(&server, &granted).unwrap();
    server.sealed();
    let folder = server.ended();

    let accept = ["--accept-restored-backup"];
    let server = Server::with(folder, Some(backup.clone()), ANYWHERE, &accept);
    let other = start(&backup);
    for server in [&server, &other] {
        let refused = redeem(server, &granted).unwrap_err();
        assert!(refused.contains("granted before an older copy of the data"), "{refused}");
    }
    let anew = joins(&Client::new(&other.url, &bot));
    assert!(anew.is_pending() && anew.id != granted, "{anew:?}");
    approve(&server, &anew.id);
    assert_eq!(joins(&Client::new(&server.url, &bot)).id, anew.id);
    redeem(&server, &anew.id).unwrap();
}

#[test]
fn put_back_under_a_running_server_it_is_noticed_at_once_and_after_the_next_start() {
    let database = wait(postgres::database());
    let server = Setup { database: Some(database.clone()), ..Setup::default() }.start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    denied(&server, &bot, &ana);
    let early = server.sealed();
    let folder = server.ended();
    let backup = wait(postgres::copy(&database));
    let mut server = Server::on(folder, Some(database.clone()), ANYWHERE);
    for _ in 0..3 {
        denied(&server, &bot, &ana);
    }
    let late = server.sealed();
    assert_ne!(early, late);

    wait(postgres::put_back(&backup, &database));
    server.says("Nothing is signed any more until the server is started again");
    assert_eq!(server.get("/v1/ledger/checkpoint"), late, "nor is anything else shown");
    let folder = server.ended();
    let said = refused(folder.path(), &database);
    assert!(said.contains("an older copy of the data was put back"), "{said}");
}

#[test]
fn a_head_of_another_installation_is_refused_and_whose_log_ended_notices() {
    let database = wait(postgres::database());
    let start = || Setup { database: Some(database.clone()), ..Setup::default() }.start();
    let (mut one, two) = (start(), start());
    let (bot, ana) = (one.agent("bot"), one.reviewer("ana"));
    denied(&one, &bot, &ana);
    let head = one.sealed();
    let twos = two.ended();
    let strange = Server::start();
    strange.agent("bot");
    std::fs::write(twos.path().join("head"), strange.sealed()).unwrap();
    let said = refused(twos.path(), &database);
    assert!(said.contains("the data, the key and that file don't belong together"), "{said}");

    let accept = ["--accept-restored-backup"];
    let two = Server::with(twos, Some(database), ANYWHERE, &accept);
    assert_ne!(origin(&two.sealed()), origin(&head));
    one.says("this log has ended");
}
