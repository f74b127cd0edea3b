//! `sayso run`: the command that was approved, and nothing else.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::server::{Server, json};

/// Starts `sayso run`, lets `decide` see what it asks for, and gives its exit code and output.
fn run(server: &Server, command: &[&str], decide: impl FnOnce(&str)) -> (Option<i32>, String) {
    let (bot, ana) = (server.agent("bot"), server.reviewer("watcher"));
    let mut watching = server.watch(&ana);
    let mut child = server.as_(&bot);
    child.args(["run", "--"]).args(command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let asked = watching.until("proposed", "shell");
    decide(asked["id"].as_str().unwrap());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn receipt(server: &Server, token: &str) -> Value {
    let ana = server.as_(token).args(["inbox", "--json"]).output().unwrap();
    assert_eq!(json(&ana), serde_json::json!([]), "nothing is left open");
    let url = format!("{}/v1/escalations?state=settled", server.url);
    let client = sayso_client::Client::new(&server.url, token);
    let page = client.list("state=settled").unwrap_or_else(|error| panic!("{url}: {error}"));
    serde_json::to_value(&page.items[0].receipt).unwrap()
}

#[test]
fn an_approved_command_runs_and_its_exit_code_passes_through() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let approve = |id: &str| {
        server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
    };
    let (code, printed) = run(&server, &["sh", "-c", "echo ran; exit 7"], approve);
    assert_eq!(code, Some(7));
    assert!(printed.ends_with("ran\n"), "{printed}");
    let receipt = receipt(&server, &ana);
    assert_eq!(
        (&receipt["result"], &receipt["comment"]),
        (&"failed".into(), &"exit code 7".into())
    );
}

#[test]
fn what_runs_is_what_was_approved_not_what_was_typed() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let edit = |id: &str| {
        let arguments = r#"{"command":["echo","edited"],"cwd":"/"}"#;
        server.as_(&ana).args(["approve", id, "--yes", "--arguments", arguments]).output().unwrap();
    };
    let (code, printed) = run(&server, &["echo", "typed"], edit);
    assert_eq!(code, Some(0));
    assert!(printed.ends_with("edited\n") && !printed.ends_with("typed\n"), "{printed}");
    assert_eq!(receipt(&server, &ana)["result"], "succeeded");
}

/// As it is without anybody who ignores signals.
const DEFAULT: &str = "--default-signal";

/// Runs a shell script through `sayso run`, sends `signal` to sayso once the script has said that it
/// is there, and gives the exit code, what was printed after that, and the receipt.
fn run_and_signal(begun: &str, script: &str, signal: Signal) -> (Option<i32>, String, Value) {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    // Whoever runs the tests in the background may have told us, and so all of ours, to ignore some.
    let mut command = Command::new("env");
    command.args(["--default-signal", begun]).arg(env!("CARGO_BIN_EXE_sayso"));
    command.env("SAYSO_URL", &server.url).env("SAYSO_TOKEN", &bot);
    command.args(["run", "--", "sh", "-c", script]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let asked = watching.until("proposed", "shell");
    let id = asked["id"].as_str().unwrap();
    server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "there" {}
    kill_process(Pid::from_child(&child), signal).unwrap();
    let printed = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
    let code = child.wait().unwrap().code();
    (code, printed, receipt(&server, &ana))
}

#[test]
fn a_signal_is_the_commands_to_obey_and_its_end_is_ours() {
    for (word, signal) in
        [("INT", Signal::INT), ("TERM", Signal::TERM), ("HUP", Signal::HUP), ("USR1", Signal::USR1)]
    {
        let script =
            format!("trap 'echo told; exit 9' {word}; echo there; while :; do sleep 0.05; done");
        let (code, printed, receipt) = run_and_signal(DEFAULT, &script, signal);
        assert_eq!((code, printed.as_str()), (Some(9), "told"), "{word}");
        assert_eq!(receipt["comment"], "exit code 9", "{word}");
    }
}

#[test]
fn a_signal_that_is_ignored_is_not_passed_on() {
    let script = "echo there; sleep 0.3; echo done";
    let (code, printed, _) = run_and_signal("--ignore-signal=HUP", script, Signal::HUP);
    assert_eq!((code, printed.as_str()), (Some(0), "done"));
}

#[test]
fn a_command_ended_by_a_signal_ends_as_a_shell_would_say() {
    let script = "echo there; exec sleep 600";
    for signal in [Signal::TERM, Signal::INT] {
        let (code, _, receipt) = run_and_signal(DEFAULT, script, signal);
        assert_eq!(code, Some(128 + signal.as_raw()));
        let comment = format!("ended by signal {}", signal.as_raw());
        assert_eq!((&receipt["result"], &receipt["comment"]), (&"failed".into(), &comment.into()));
    }
}

#[test]
fn a_denied_command_does_not_run() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let mark = server.data().join("mark");
    let deny = |id: &str| {
        server.as_(&ana).args(["deny", id]).output().unwrap();
    };
    let (code, _) = run(&server, &["touch", mark.to_str().unwrap()], deny);
    assert_eq!(code, Some(1));
    assert!(!mark.exists());
}

#[test]
fn a_command_that_is_not_there_is_a_failed_receipt() {
    let server = Server::start();
    let ana = server.reviewer("ana");
    let approve = |id: &str| {
        server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
    };
    let (code, _) = run(&server, &["/no/such/program"], approve);
    assert_eq!(code, Some(2));
    assert_eq!(receipt(&server, &ana)["result"], "failed");
}

/// A file of secrets: one from a file, one from a command that leaves a mark when it is run.
fn secrets(server: &Server) -> std::path::PathBuf {
    let folder = server.data();
    std::fs::write(folder.join("token"), "s3cret\n").unwrap();
    let text = format!(
        "[secret.TOKEN]\nfile = \"{}\"\n[secret.OTHER]\ncommand = [\"sh\", \"-c\", \"touch {}; echo o\"]\n",
        folder.join("token").display(),
        folder.join("read").display()
    );
    let file = folder.join("secrets.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_secret_is_released_to_the_approved_command_only_and_not_before() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let file = secrets(&server);
    let run = |words: &[&str]| {
        let mut command = server.as_(&bot);
        command.arg("run").arg("--secrets").arg(&file).args(words).output().unwrap()
    };
    let show = [
        "--secret",
        "TOKEN",
        "--secret",
        "OTHER",
        "--detach",
        "--json",
        "--",
        "sh",
        "-c",
        "echo $TOKEN-$OTHER",
    ];
    let asked = json(&run(&show));
    assert_eq!(asked["action"]["arguments"]["secrets"], serde_json::json!(["TOKEN", "OTHER"]));
    assert!(!asked.to_string().contains("s3cret"), "{asked}");
    assert!(!server.data().join("read").exists(), "nothing is read before it is approved");
    let id = asked["id"].as_str().unwrap();
    let approved = server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
    assert!(approved.status.success(), "{approved:?}");
    let ran = run(&["--resume", id]);
    assert_eq!(String::from_utf8_lossy(&ran.stdout).lines().last(), Some("s3cret-o"), "{ran:?}");

    let unknown = run(&["--secret", "NONE", "--", "true"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--secret NONE"), "{unknown:?}");
    let told = run(&["--tool", "note", "--secret", "TOKEN", "--", "sh", "-c", "echo $TOKEN"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("without secrets"), "{told:?}");
    assert!(!String::from_utf8_lossy(&told.stdout).contains("s3cret"));
}

#[test]
fn a_secret_that_cannot_be_had_is_a_failed_receipt_and_nothing_runs() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (file, mark) = (secrets(&server), server.data().join("mark"));
    let mut command = server.as_(&bot);
    command
        .arg("run")
        .arg("--secrets")
        .arg(&file)
        .args(["--secret", "TOKEN", "--detach", "--json"]);
    let asked = json(&command.args(["--", "touch"]).arg(&mark).output().unwrap());
    let id = asked["id"].as_str().unwrap();
    server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
    std::fs::remove_file(server.data().join("token")).unwrap();
    let mut command = server.as_(&bot);
    let ran = command.arg("run").arg("--secrets").arg(&file).args(["--resume", id]).output();
    assert_eq!(ran.unwrap().status.code(), Some(2));
    assert!(!mark.exists());
    assert_eq!(receipt(&server, &ana)["result"], "failed");
}

/// A folder with a git repository of one commit, and a file.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan"), "one").unwrap();
    git(&folder, &["init", "-q"]);
    commit(&folder);
    folder
}

fn git(folder: &tempfile::TempDir, arguments: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"];
    let mut git = Command::new("git");
    git.args(who).args(arguments).current_dir(folder.path());
    assert!(git.status().unwrap().success(), "{arguments:?}");
}

fn commit(folder: &tempfile::TempDir) {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", "more"]);
}

/// Has `touch ran` asked for in that folder, if nothing changes; `change` happens before it is
/// approved. Its exit code and what it says of it.
fn run_if_unchanged(
    server: &Server,
    folder: &tempfile::TempDir,
    flags: &[&str],
    change: impl FnOnce(),
) -> (Option<i32>, String) {
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let mut watching = server.watch(&ana);
    let mut child = server.as_(&bot);
    child.arg("run").args(flags).args(["--", "touch", "ran"]).current_dir(folder.path());
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asked = watching.until("proposed", "shell");
    change();
    let approved =
        server.as_(&ana).args(["approve", asked["id"].as_str().unwrap(), "--yes"]).output();
    assert!(approved.unwrap().status.success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_is_as_people_saw_it_runs() {
    let (server, folder) = (Server::start(), repository());
    let flags = ["--git-head", "--unchanged", "plan", "--unchanged", "missing"];
    let (code, said) = run_if_unchanged(&server, &folder, &flags, || {});
    assert_eq!(code, Some(0), "{said}");
    assert!(folder.path().join("ran").exists());
}

#[test]
fn what_changed_meanwhile_does_not_run_and_is_asked_anew() {
    for (flags, is_commit) in [(&["--unchanged", "plan"][..], false), (&["--git-head"][..], true)] {
        let (server, folder) = (Server::start(), repository());
        let change = || match is_commit {
            true => commit(&folder),
            false => std::fs::write(folder.path().join("plan"), "two").unwrap(),
        };
        let (code, said) = run_if_unchanged(&server, &folder, flags, change);
        assert_eq!(code, Some(3), "{said}");
        assert!(!folder.path().join("ran").exists());
        let id = said.trim().rsplit_once(' ').unwrap().1;
        let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
        let approved = server.as_(&ana).args(["approve", id, "--yes"]).output().unwrap();
        assert!(approved.status.success());
        let resumed = server.as_(&bot).args(["run", "--resume", id]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
        assert!(folder.path().join("ran").exists());
    }
}

#[test]
fn an_executor_with_a_key_runs_by_it_and_not_without() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.jwk");
    let made = server.as_("").args(["key", "make", "--json"]).arg(&file).output().unwrap();
    let jkt = json(&made)["jkt"].as_str().unwrap().to_owned();
    let set = server.beside().args(["agent", "set", "bot", "--confirm", &jkt]).output().unwrap();
    assert!(set.status.success(), "{set:?}");
    // The server has heard of it within a second.
    let client = sayso_client::Client::new(&server.url, &ana);
    while client.fetch::<Value>("/v1/agents/bot").unwrap()["confirm"] != jkt.as_str() {
        std::thread::yield_now();
    }
    let granted = || {
        let asked = server.as_(&bot).args(["run", "--detach", "--json", "--", "true"]).output();
        let id = json(&asked.unwrap())["id"].as_str().unwrap().to_owned();
        let approved = server.as_(&ana).args(["approve", &id, "--yes"]).output().unwrap();
        assert!(approved.status.success());
        id
    };
    let id = granted();
    let without = server.as_(&bot).args(["run", "--resume", &id]).output().unwrap();
    assert_eq!(without.status.code(), Some(2));
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(said.contains("DPoP"), "{said}");
    let with = server
        .as_(&bot)
        .env("SAYSO_CONFIRM_KEY", &file)
        .args(["run", "--resume", &id])
        .output()
        .unwrap();
    assert_eq!(with.status.code(), Some(0), "{with:?}");
}

#[test]
fn what_nobody_signed_does_not_run_where_keys_are_pinned() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let pins = folder.path().join("pins");
    std::fs::write(&pins, format!("executor bot\nquorum 1\nana {public}")).unwrap();
    let here = tempfile::tempdir().unwrap();
    let flags = ["--pin", pins.to_str().unwrap()];
    let (code, said) = run_if_unchanged(&server, &here, &flags, || {});
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the pins ask for 1 and none of them signed it"), "{said}");
    assert!(!here.path().join("ran").exists());
    let ana = server.reviewer("ana");
    let receipt = receipt(&server, &ana);
    assert_eq!(receipt["result"], "failed");
}
