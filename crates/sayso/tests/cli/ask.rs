//! `sayso ask` and the decisions, by their exit codes and what they print.

use crate::server::{Server, json};

#[test]
fn ask_tells_granted_refused_undecided_and_error_apart() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let ask = |arguments: &[&str]| {
        let output = server.as_(&bot).arg("ask").args(arguments).arg("--json").output().unwrap();
        (output.status.code().unwrap(), output)
    };
    assert_eq!(ask(&["--tool", "note"]).0, 0);

    let (code, output) = ask(&["--tool", "drop", "--arg", "n=1", "--wait", "1s"]);
    assert_eq!(code, 3);
    let id = json(&output)["id"].as_str().unwrap().to_owned();
    assert_eq!(json(&output)["action"]["arguments"]["n"], 1);
    let denied = server.as_(&ana).args(["deny", &id, "-c", "Not today."]).output().unwrap();
    assert_eq!(denied.status.code(), Some(0), "{denied:?}");
    let (code, output) = ask(&["--resume", &id]);
    assert_eq!((code, &json(&output)["outcome"]), (1, &"denied".into()));

    let (code, output) = ask(&["--tool", "drop", "--window", "0s"]);
    assert_eq!(code, 2);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("/window"), "{error}");
}

#[test]
fn an_agents_key_approves_nothing() {
    let server = Server::start();
    let bot = server.agent("bot");
    let asked =
        server.as_(&bot).args(["ask", "--tool", "drop", "--detach", "--json"]).output().unwrap();
    let id = json(&asked)["id"].as_str().unwrap().to_owned();
    let approved = server.as_(&bot).args(["approve", &id, "--yes"]).output().unwrap();
    assert_eq!(approved.status.code(), Some(1));
    let said = String::from_utf8(approved.stderr).unwrap();
    assert!(said.contains("an agent never decides"), "{said}");
}

#[test]
fn the_watching_terminal_makes_a_soft_window_pass() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    let ask = server.as_(&bot).args(["ask", "--tool", "merge", "--json"]).output().unwrap();
    assert_eq!(ask.status.code(), Some(0));
    let granted = json(&ask);
    assert_eq!((&granted["outcome"], &granted["basis"]), (&"granted".into(), &"silence".into()));
    assert_eq!(watching.until("granted", "merge")["id"], granted["id"]);
}

#[test]
fn hold_take_and_answer_do_what_they_say() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let ask = |arguments: &[&str]| {
        let mut command = server.as_(&bot);
        command.arg("ask").args(arguments).args(["--detach", "--json"]);
        json(&command.output().unwrap())["id"].as_str().unwrap().to_owned()
    };
    let decide = |arguments: &[&str]| {
        json(&server.as_(&ana).args(arguments).arg("--json").output().unwrap())
    };
    let merge = ask(&["--tool", "merge"]);
    assert_eq!(decide(&["take", &merge])["taken_by"], "ana");
    assert_eq!(decide(&["hold", &merge])["tier"], "hard");
    assert_eq!(decide(&["approve", &merge, "--yes"])["outcome"], "granted");
    let question = ask(&["--question", "A or B?", "--option", "A", "--option", "B"]);
    let last = &question[question.len() - 8..];
    assert_eq!(decide(&["answer", last, "B"])["answer"], "B");
}

#[test]
fn what_an_agent_writes_can_do_nothing_to_a_terminal() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let message = "\u{1b}[2J\u{202e}harmless\r\nApproved by ana";
    server
        .as_(&bot)
        .args(["ask", "--tool", "drop", "--arg", "x=\u{200b}", "-m", message, "--detach"])
        .output()
        .unwrap();
    let inbox = json(&server.as_(&ana).args(["inbox", "--json"]).output().unwrap());
    let id = inbox[0]["id"].as_str().unwrap();
    let shown = server.as_(&ana).args(["show", id]).output().unwrap().stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\r']), "{shown:?}");
    assert!(shown.contains("⟨U+001B⟩[2J⟨U+202E⟩harmless"), "{shown}");
    assert!(shown.lines().all(|line| !line.starts_with("Approved by")), "{shown}");
}

#[test]
fn halt_stops_and_resume_lets_go_on() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let note = || server.as_(&bot).args(["ask", "--tool", "note"]).output().unwrap().status.code();
    server.as_(&ana).args(["halt", "--agent", "bot", "-r", "Odd."]).output().unwrap();
    assert_eq!(note(), Some(1));
    assert_eq!(server.as_(&bot).arg("resume").output().unwrap().status.code(), Some(2));
    assert_eq!(server.as_(&ana).arg("resume").output().unwrap().status.code(), Some(0));
    assert_eq!(note(), Some(0));
}

#[test]
fn doctor_says_what_is_missing() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let output = server.as_(&ana).args(["doctor", "--json"]).output().unwrap();
    let checks = json(&output);
    let state = |what: &str| {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["what"] == what).unwrap()["state"].clone()
    };
    assert_eq!(state("server"), "good");
    assert_eq!(state("you"), "good");
    assert_eq!(state("listening"), "careful");
}
