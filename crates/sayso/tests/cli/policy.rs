//! `sayso policy`: what a policy's author and a build have of it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::server::{POLICY as PRESENT, Server, json as parsed, sayso};
use crate::upstream;

const POLICY: &str = r#"
[[rule]]
tool = "git_merge"
tier = "soft"

[[rule]]
name = "large"
tool = "git_merge"
args.files = { over = 50 }
tier = "hard"
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("policy.toml", POLICY);
        folder
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `sayso policy` here; its exit code and what it printed.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = sayso();
        command.current_dir(self.path()).arg("policy").args(words);
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said.into_owned())
    }

    fn run_json(&self, words: &[&str]) -> Value {
        let mut command = sayso();
        command.current_dir(self.path()).arg("policy").args(words).arg("--json");
        parsed(&command.output().unwrap())
    }
}

#[test]
fn a_policy_is_checked_with_line_column_and_mend() {
    let folder = Folder::new();
    let (code, said) = folder.run(&["check", "policy.toml"]);
    assert_eq!((code, said.as_str()), (0, "✓ policy.toml: nothing odd\n"));
    folder.put("bad.toml", "[[rule]]\ntool = 't'\nteir = 1\ntier = 1");
    let (code, said) = folder.run(&["check", "bad.toml"]);
    let expected = "wrong: line 3, column 1: teir: is no key of a rule; did you mean \"tier\"?\n";
    assert_eq!((code, said.as_str()), (2, expected));
    let found = folder.run_json(&["check", "bad.toml"]);
    assert_eq!(found["problems"][0]["column"], 1);
}

#[test]
fn a_policy_is_held_against_the_tools_that_there_are() {
    let folder = Folder::new();
    let schema = json!({"type": "object", "properties": {"count": {"type": "integer"}}});
    let listed = json!({"tools": [{"name": "git_merge", "inputSchema": schema}]});
    folder.put("tools.json", &listed.to_string());
    let (code, said) = folder.run(&["check", "policy.toml", "--tools", "tools.json"]);
    assert_eq!(code, 1);
    assert!(said.contains("error: line 6, rule large: `args.files = { over = 50 }`: git_merge takes no such argument; it takes count"), "{said}");
}

#[test]
fn a_window_is_held_against_how_long_people_took_so_far() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.person("ana", &["reviewer", "policy_admin"]));
    let client = sayso_client::Client::new(&server.url, &bot);
    let asked: Vec<_> = (0..10)
        .map(|n| {
            let action = json!({"action": {"tool": "drop", "arguments": {"n": n}}});
            let propose = serde_json::from_value(action).unwrap();
            client.propose(&propose, None, std::time::Duration::ZERO).unwrap().id
        })
        .collect();
    let folder = Folder::new();
    let soft = |window: &str| format!("[[rule]]\ntool='drop'\ntier='soft'\nwindow='{window}'");
    let file = folder.put("soft.toml", &soft("1s"));
    let check = || {
        let mut command = server.as_(&ana);
        let output = command.args(["policy", "check"]).arg(&file).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(check().contains("shorter than people take (1m)"), "nobody has decided anything yet");
    // Nobody can be quicker than the shortest window there is.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for id in asked {
        let denied = server.as_(&ana).args(["deny", &id]).output().unwrap();
        assert!(denied.status.success(), "{denied:?}");
    }
    let said = check();
    assert!(said.contains("shorter than people take (half of 10 decisions on its tools"), "{said}");
    folder.put("soft.toml", &soft("10m"));
    assert!(check().contains("nothing odd"));
}

#[test]
fn a_verdict_is_explained() {
    let folder = Folder::new();
    let call = ["explain", "policy.toml", "git_merge", r#"{"files": "60"}"#];
    let (code, said) = folder.run(&call);
    assert_eq!(code, 0);
    for line in [
        "hard\n",
        "  tier           hard       large\n",
        "✓ git_merge (line 2): applies\n",
        "? large (line 6): can't be told, so it counts where it is stricter\n",
        "    ? args.files = { over = 50 }   \"60\"\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let (code, said) = folder.run(&["explain", "policy.toml", "t", r#"{"a":1,"a":2}"#]);
    assert!(code == 2 && said.contains("the arguments is not JSON that can be judged"), "{said}");
}

#[test]
fn cases_are_run_and_a_build_fails_with_one_that_does_not_hold() {
    let folder = Folder::new();
    folder.put(
        "cases.toml",
        "[[case]]\nname = \"small\"\ntool = \"git_merge\"\nargs.files = 50\nexpect.tier = \"soft\"\n\
         [[case]]\nname = \"large\"\ntool = \"git_merge\"\nargs.files = 51\nexpect.tier = \"soft\"\n",
    );
    let (code, said) = folder.run(&["test", "policy.toml", "cases.toml"]);
    let expected =
        "✓ small\n✗ large\n    tier: expected soft, but it is hard\n1 of 2 as expected\n";
    assert_eq!((code, said.as_str()), (1, expected));
}

#[test]
fn what_became_looser_is_shown_at_a_call() {
    let folder = Folder::new();
    folder.put("new.toml", &POLICY.replace("over = 50", "over = 60"));
    let (code, said) = folder.run(&["diff", "policy.toml", "new.toml"]);
    assert_eq!(code, 1);
    assert!(said.starts_with("looser   tier hard → soft: git_merge {\"files\":51}\n"), "{said}");
    assert!(said.contains("by git_merge, was large") && said.contains("These are all"), "{said}");
    assert_eq!(folder.run(&["diff", "new.toml", "policy.toml"]).0, 0);
}

#[test]
fn a_draft_is_made_of_what_real_servers_offer() {
    let folder = Folder::new();
    let servers = json!({"mcpServers": {"one": upstream::entry(&folder.path().join("notes"))}});
    folder.put("servers.json", &servers.to_string());
    let (code, said) = folder.run(&["draft", "--servers", "servers.json"]);
    assert_eq!(code, 0, "{said}");
    folder.put("draft.toml", &said);
    let words = ["explain", "draft.toml", "drop", "--server", "one"];
    let why = folder.run_json(&words);
    assert_eq!(
        (&why["verdict"]["tier"], &why["rules"][0]["rule"]),
        (&json!("hard"), &json!("note"))
    );
    let checked = folder.run_json(&["check", "draft.toml", "--servers", "servers.json"]);
    assert_eq!(checked["problems"], json!([]));
    assert_eq!(folder.run(&["draft"]).0, 2);
}

/// Puts a policy in force as somebody; the exit code and what was printed.
fn apply(server: &Server, token: &str, file: &Path, more: &[&str]) -> (i32, String) {
    let mut command = server.as_(token);
    let output = command.args(["policy", "apply"]).arg(file).args(more).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said.into_owned())
}

fn tier(server: &Server, key: &str, tool: &str) -> String {
    let mut command = server.as_(key);
    let asked = command.args(["ask", "--tool", tool, "--detach", "--json"]).output().unwrap();
    parsed(&asked)["tier"].as_str().unwrap().to_owned()
}

#[test]
fn a_rule_that_a_call_cannot_be_held_against_counts_where_it_is_stricter_and_is_told() {
    let server = Server::start();
    let bot = server.agent("bot");
    let rules =
        "[[rule]]\ntool='note'\ntier='fyi'\n[[rule]]\ntool='note'\nargs.n={over=3}\ntier='hard'";
    let client = sayso_client::Client::new(&server.url, &bot);
    let before = client.policy().unwrap().hash;
    std::fs::write(server.data().join("test-policy.toml"), rules).unwrap();
    let start = std::time::Instant::now();
    while client.policy().unwrap().hash == before {
        assert!(start.elapsed().as_secs() < 30, "the file is not looked at again");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let ask = |n: Value| {
        let action = json!({"action": {"tool": "note", "arguments": {"n": n}}});
        let propose = serde_json::from_value(action).unwrap();
        client.propose(&propose, None, std::time::Duration::ZERO).unwrap()
    };
    let untold = || {
        let page = client.text("/metrics").unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix("sayso_rule_untold_total "));
        line.unwrap().to_owned()
    };
    let noted = ask(json!(3));
    assert_eq!((noted.tier.as_str(), untold().as_str()), ("fyi", "0"));
    assert_eq!((ask(json!("3")).tier.as_str(), untold().as_str()), ("hard", "1"));
    assert_ne!(noted.policy, before, "what judged it is in its record");
}

#[test]
fn people_may_tighten_the_policy_and_loosening_it_takes_a_say_so() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.person("ana", &["reviewer", "policy_admin"]));
    let folder = Folder::new();
    let stricter = folder.put("stricter.toml", &PRESENT.replace("\"fyi\"", "\"hard\""));
    let looser = folder.put("looser.toml", &PRESENT.replace("\"hard\"", "\"soft\""));

    let (code, said) = apply(&server, &ana, &looser, &[]);
    assert_eq!(code, 1);
    assert!(
        said.contains("tier hard to soft for drop") && said.contains("sayso.policy.apply"),
        "{said}"
    );
    assert_eq!(tier(&server, &bot, "drop"), "hard");

    let (code, said) = apply(&server, &bot, &looser, &["--detach"]);
    assert_eq!(code, 3, "{said}");
    let page = sayso_client::Client::new(&server.url, &ana).list("state=pending").unwrap();
    let asked = page
        .items
        .iter()
        .find(|it| it.action.as_ref().is_some_and(|action| action.tool == "sayso.policy.apply"));
    let asked = asked.unwrap();
    assert_eq!(asked.tier, "hard");
    assert_eq!(asked.context.as_ref().unwrap()["changes"][0]["direction"], "looser");
    let approved = server.as_(&ana).args(["approve", &asked.id, "--yes"]).output().unwrap();
    assert!(approved.status.success(), "{approved:?}");
    let (code, said) = apply(&server, &bot, &looser, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(tier(&server, &bot, "shell"), "soft");

    let (code, said) = apply(&server, &ana, &stricter, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(tier(&server, &bot, "note"), "hard");
    let kept = std::fs::read_to_string(server.data().join("test-policy.toml")).unwrap();
    assert_eq!(kept, std::fs::read_to_string(&stricter).unwrap());
}

#[test]
fn a_policy_that_people_saw_against_another_one_does_not_come_into_force() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.person("ana", &["reviewer", "policy_admin"]));
    let folder = Folder::new();
    let looser = PRESENT.replace("\"hard\"", "\"soft\"");
    let client = sayso_client::Client::new(&server.url, &bot);
    let present = client.policy().unwrap().hash;
    let ask = |precondition: Value| {
        let action = json!({"tool": "sayso.policy.apply", "arguments": {"policy": looser},
                            "precondition": precondition});
        let propose = serde_json::from_value(json!({"action": action})).unwrap();
        let asked = client.propose(&propose, None, std::time::Duration::ZERO).unwrap();
        let approved = server.as_(&ana).args(["approve", &asked.id, "--yes"]).output().unwrap();
        assert!(approved.status.success(), "{approved:?}");
        client.get(&asked.id, std::time::Duration::ZERO).unwrap().permit
    };
    let put = |policy: &str, permit: Option<String>| {
        let put = sayso_client::wire::PutPolicy { policy: policy.to_owned(), permit };
        client.put_policy(&put).map(|_| ()).map_err(|error| error.to_string())
    };
    let permit = ask(json!({"policy": present}));
    let other = put(&format!("{looser}# more"), permit.clone()).unwrap_err();
    assert!(other.contains("is not for `sayso.policy.apply` with this policy"), "{other}");
    let stricter = folder.put("s.toml", &PRESENT.replace("\"fyi\"", "\"hard\""));
    assert_eq!(apply(&server, &ana, &stricter, &[]).0, 0);
    let moved = put(&looser, permit.clone()).unwrap_err();
    assert!(moved.contains("another policy is in force"), "{moved}");
    assert!(put(&looser, permit).unwrap_err().contains("redeemed"), "and the permit is used up");
    assert!(put(&looser, None).unwrap_err().contains("permit"), "an agent decides nothing");
}
