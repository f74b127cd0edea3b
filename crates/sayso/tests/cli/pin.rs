//! Executors that know people's keys from elsewhere: what those have signed is made, whatever the
//! server says, and nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Map, Value, json};

use crate::gateway::{Gateway, decide, receipt};
use crate::server::{Setup, json as printed, sayso};
use crate::sign::{Office, key, said, text};
use crate::upstream;

const POLICY: &str = r#"
[[rule]]
tool = "note"
tier = "fyi"

[[rule]]
tool = ["drop", "shell", "deploy"]
tier = "hard"

[[rule]]
tool = "release"
tier = "hard"
quorum = 2
"#;

/// Ana and bo with a key each, which the organisation vouches for.
struct Team {
    office: Office,
    folder: tempfile::TempDir,
    anas: PathBuf,
    bos: PathBuf,
}

impl Team {
    fn begin() -> Self {
        let office = Office::of(Setup { policy: POLICY, ..Setup::default() }.start());
        let folder = tempfile::tempdir().unwrap();
        let ours = key(folder.path(), "we", "ed25519");
        let [anas, bos] = ["ana", "bo"].map(|name| {
            let file = key(folder.path(), name, "ed25519");
            let added =
                office.on_data(&["reviewer", "key", "add", text(&file), "--reviewer", name]);
            let id = added["id"].as_str().unwrap();
            office.on_data(&["reviewer", "key", "vouch", id, "--organisation", text(&ours)]);
            file
        });
        Self { office, folder, anas, bos }
    }

    /// A file of pins with these lines.
    fn pins(&self, name: &str, lines: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, format!("executor bot\n{lines}\n")).unwrap();
        file
    }

    /// A file of pins that takes ana's signature, for these tools.
    fn anas_pins(&self, lines: &str) -> PathBuf {
        let key = std::fs::read_to_string(self.anas.with_extension("pub")).unwrap();
        self.pins("pins", &format!("quorum 1\n{lines}\nana {key}"))
    }

    /// What the file's command would leave, if it ran.
    fn mark(&self) -> PathBuf {
        self.folder.path().join("ran")
    }

    /// Has the agent ask to run a command that leaves the mark; the escalation's id.
    fn asks(&self, tool: &str) -> String {
        let mark = self.mark();
        let run = ["run", "--tool", tool, "--detach", "--json", "--", "touch", text(&mark)];
        let asked = self.office.run(&self.office.bot, &run);
        printed(&asked)["id"].as_str().unwrap().to_owned()
    }

    fn signs(&self, token: &str, key: &Path, id: &str) {
        let approve = ["approve", id, "--yes", "--sign", text(key)];
        let approved = self.office.run(token, &approve);
        assert!(approved.status.success(), "{approved:?}");
    }

    /// The executor goes on with what was asked.
    fn resumes(&self, id: &str, pins: &Path, tool: &str) -> Output {
        let run = ["run", "--pin", text(pins), "--tool", tool, "--resume", id];
        self.office.run(&self.office.bot, &run)
    }

    /// Whether the executor makes nothing of what was asked, for that reason, and everybody can see
    /// why.
    #[track_caller]
    fn makes_nothing(&self, id: &str, pins: &Path, tool: &str, why: &str) {
        let ran = self.resumes(id, pins, tool);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        assert!(said(&ran).contains(why), "{}\nshould say: {why}", said(&ran));
        assert!(!self.mark().exists());
        let shown = said(&self.office.run(&self.office.ana, &["show", id]));
        assert!(
            shown.contains(&format!("failed: what the server handed out is not proved: {why}"))
        );
    }

    fn fingerprint(key: &Path) -> String {
        let print = std::process::Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
        String::from_utf8(print.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }
}

#[test]
fn a_command_runs_once_on_the_signature_of_who_is_pinned() {
    let team = Team::begin();
    let pins = team.anas_pins("");
    let id = team.asks("shell");
    team.signs(&team.office.ana, &team.anas, &id);
    let ran = team.resumes(&id, &pins, "shell");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(team.mark().exists());
    assert_eq!(receipt(&team.office.server, &team.office.ana, &json!(id)), "succeeded");
    assert!(team.folder.path().join("pins.used").join(&id).exists(), "the executor remembers it");
}

#[test]
fn what_a_session_or_somebody_elses_key_approved_does_not_run() {
    let team = Team::begin();
    let pins = team.anas_pins("");
    let none = "the pins ask for 1 and none of them signed it";
    let id = team.asks("shell");
    decide(&team.office.server, &team.office.ana, "approve", &json!(id));
    team.makes_nothing(&id, &pins, "shell", none);

    let id = team.asks("shell");
    team.signs(&team.office.bo, &team.bos, &id);
    let stranger = format!("{none}; not pinned: bo ({})", Team::fingerprint(&team.bos));
    team.makes_nothing(&id, &pins, "shell", &stranger);
}

#[test]
fn the_executor_counts_by_itself_how_many_have_signed() {
    let team = Team::begin();
    let line = |name: &str, key: &Path| {
        let key = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        format!("{name} {key}")
    };
    let keys = line("ana", &team.anas) + &line("bo", &team.bos);
    let pins = team.pins("two", &format!("quorum 2\n{keys}"));
    // The policy on the server is content with one.
    let id = team.asks("shell");
    team.signs(&team.office.ana, &team.anas, &id);
    team.makes_nothing(&id, &pins, "shell", "the pins ask for 2 and ana signed it");

    let id = team.asks("release");
    team.signs(&team.office.ana, &team.anas, &id);
    team.signs(&team.office.bo, &team.bos, &id);
    let ran = team.resumes(&id, &pins, "release");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(team.mark().exists());
}

#[test]
fn with_pins_one_says_which_tool_one_goes_on_with() {
    let team = Team::begin();
    let pins = team.anas_pins("");
    let id = team.asks("deploy");
    team.signs(&team.office.ana, &team.anas, &id);
    let ran = team.resumes(&id, &pins, "shell");
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(said(&ran).contains("is a call of \"deploy\""), "{ran:?}");
    assert!(said(&ran).contains("--tool deploy"), "{ran:?}");
    assert!(!team.mark().exists());
    // Nothing is used up by that.
    assert_eq!(team.resumes(&id, &pins, "deploy").status.code(), Some(0));
}

/// A server that says that everything is granted, and hands out what it likes.
struct Liar(String);

impl Liar {
    fn handing_out(escalation: Value, redeemed: Value) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", door.local_addr().unwrap());
        std::thread::spawn(move || {
            for client in door.incoming().flatten() {
                let mut request = BufReader::new(client);
                let (mut asked, mut length) = (String::new(), 0);
                request.read_line(&mut asked).unwrap();
                loop {
                    let mut header = String::new();
                    request.read_line(&mut header).unwrap();
                    let header = header.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if header.trim().is_empty() {
                        break;
                    }
                }
                request.read_exact(&mut vec![0; length]).unwrap();
                let (status, body) = match asked.split(' ').nth(1).unwrap() {
                    "/v1/permits/redeem" => (200, redeemed.to_string()),
                    path if path.starts_with("/v1/escalations") => (200, escalation.to_string()),
                    _ => (404, "{}".to_owned()),
                };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                // Whoever hangs up has heard enough.
                let _ = request.get_mut().write_all(answer.as_bytes());
            }
        });
        Self(url)
    }
}

/// What ana signed, as the agent sees it and as it was handed out; it has not been acted on.
fn signed(team: &Team, id: &str) -> (Value, Value) {
    team.signs(&team.office.ana, &team.anas, id);
    let client = sayso_client::Client::new(&team.office.server.url, &team.office.bot);
    let granted = client.get(id, std::time::Duration::ZERO).unwrap();
    let redeemed = client.redeem(granted.permit.as_ref().unwrap()).unwrap();
    (serde_json::to_value(granted).unwrap(), serde_json::to_value(redeemed).unwrap())
}

/// The same with something else in it.
fn with(value: &Value, path: &str, other: Value) -> Value {
    let mut value = value.clone();
    *value.pointer_mut(path).unwrap() = other;
    value
}

#[test]
fn a_server_that_lies_has_nothing_run_but_what_was_signed_and_that_once() {
    let team = Team::begin();
    let pins = team.anas_pins("tools deploy");
    let (escalation, truth) = signed(&team, &team.asks("deploy"));
    let (other, _) = signed(&team, &team.asks("deploy"));
    let run = |liar: &Liar| {
        let mut run = sayso();
        run.env("SAYSO_URL", &liar.0).env("SAYSO_TOKEN", &team.office.bot);
        run.env("SAYSO_PIN", &pins).args(["run", "--tool", "deploy", "--", "touch"]);
        run.arg(team.mark()).output().unwrap()
    };
    let evil = json!(["touch", team.mark(), "more"]);
    let lies = [
        (with(&truth, "/action/arguments/command", evil.clone()), "`digest` is not that of this"),
        (with(&truth, "/escalation", other["id"].clone()), "`escalation` is not that of this call"),
        (with(&truth, "/evidence", json!([])), "none of them signed it"),
        (with(&truth, "/evidence/0/statement", json!("{}")), "a statement can't be read"),
        // Its own rules would let this one through.
        (
            with(&with(&truth, "/action/tool", json!("note")), "/action/arguments/command", evil),
            "handed out a call of \"note\", where one of \"deploy\" is to be made",
        ),
    ];
    for (lie, why) in lies {
        let ran = run(&Liar::handing_out(escalation.clone(), lie));
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        assert!(said(&ran).contains(why), "{}\nshould say: {why}", said(&ran));
        assert!(!team.mark().exists(), "{why}");
    }
    for (tool, why) in [("deploy", "--pin asks for signatures"), ("note", "is a call of \"note\"")]
    {
        let noted = with(&escalation, "/outcome", json!("noted"));
        let noted = with(&noted, "/action/tool", json!(tool));
        let ran = run(&Liar::handing_out(noted, truth.clone()));
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        assert!(said(&ran).contains(why), "{}\nshould say: {why}", said(&ran));
        assert!(!team.mark().exists(), "{why}");
    }

    let honest = Liar::handing_out(escalation, truth);
    assert_eq!(run(&honest).status.code(), Some(0), "the truth is taken from anybody");
    std::fs::remove_file(team.mark()).unwrap();
    let again = run(&honest);
    assert!(said(&again).contains("was acted on already"), "{again:?}");
    assert!(!team.mark().exists());
}

/// A gateway of the agent `bot` at that server, before one server, with pins.
fn gateway(team: &Team, url: &str, pins: &Path) -> Gateway {
    let mut command = sayso();
    command.env("SAYSO_URL", url).env("SAYSO_TOKEN", &team.office.bot).env("SAYSO_PIN", pins);
    let folder = tempfile::tempdir().unwrap();
    let entry = upstream::entry(&folder.path().join("notes"));
    let servers = Map::from_iter([("one".to_owned(), entry)]);
    Gateway::by(command, folder, &servers).opened()
}

#[test]
fn a_gateway_makes_the_calls_that_who_is_pinned_has_signed() {
    let team = Team::begin();
    let server = &team.office.server;
    let mut gateway = gateway(&team, &server.url, &team.anas_pins("tools drop"));
    let mut held = |n: u8| {
        let held = gateway.call("drop", json!({"n": n}))["structuredContent"].clone();
        assert_eq!(held["status"], "pending", "{held}");
        held["escalation"].as_str().unwrap().to_owned()
    };
    let [signed, unsigned, by_bo] = [1, 2, 3].map(&mut held);
    team.signs(&team.office.ana, &team.anas, &signed);
    decide(server, &team.office.ana, "approve", &json!(unsigned));
    team.signs(&team.office.bo, &team.bos, &by_bo);

    let made = gateway.call("drop", json!({"n": 1}));
    assert_eq!(made["structuredContent"]["did"], json!({"n": 1}), "{made}");
    assert_eq!(receipt(server, &team.office.ana, &json!(signed)), "succeeded");
    let none = "was not made: what the server handed out is not proved: the pins ask for 1 and none \
                of them signed it";
    let stranger = format!("{none}; not pinned: bo ({})", Team::fingerprint(&team.bos));
    for (n, id, why) in [(2, &unsigned, none), (3, &by_bo, &stranger)] {
        let refused = gateway.call("drop", json!({"n": n}));
        assert_eq!(refused["isError"], true, "{refused}");
        let said = refused["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(why), "{said}\nshould say: {why}");
        assert_eq!(receipt(server, &team.office.ana, &json!(id)), "failed");
    }
    // Tools that are not named go by the server's word.
    assert_eq!(gateway.call("note", json!({"n": 4}))["isError"], false);
    assert_eq!(gateway.made(), [json!({"n": 1}), json!({"n": 4})]);
}

#[test]
fn where_all_tools_are_pinned_a_gateway_makes_nothing_on_the_servers_word_alone() {
    let team = Team::begin();
    let mut gateway = gateway(&team, &team.office.server.url, &team.anas_pins(""));
    let refused = gateway.call("note", json!({"n": 1}));
    assert_eq!(refused["isError"], true, "{refused}");
    let said = refused["content"][0]["text"].as_str().unwrap();
    assert!(said.contains("makes only calls that people have signed"), "{said}");
    assert_eq!(gateway.made(), [] as [Value; 0]);
}

#[test]
fn a_gateway_before_a_server_that_lies_makes_nothing_but_what_was_signed() {
    let team = Team::begin();
    let asked = team
        .office
        .run(&team.office.bot, &["ask", "--tool", "drop", "--arg", "n=1", "--detach", "--json"]);
    let (escalation, truth) = signed(&team, printed(&asked)["id"].as_str().unwrap());
    let pins = team.anas_pins("tools drop");
    let other = with(&truth, "/action/arguments/n", json!(2));
    let lies = [
        (other.clone(), "`digest` is not that of this call"),
        (with(&other, "/action/tool", json!("note")), "where one of \"drop\" is to be made"),
    ];
    for (lie, why) in lies {
        let liar = Liar::handing_out(escalation.clone(), lie);
        let mut gateway = gateway(&team, &liar.0, &pins);
        let refused = gateway.call("drop", json!({"n": 1}));
        let said = refused["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(why), "{said}\nshould say: {why}");
        assert_eq!(gateway.made(), [] as [Value; 0]);
    }
    let honest = Liar::handing_out(escalation, truth);
    let mut gateway = gateway(&team, &honest.0, &pins);
    gateway.call("drop", json!({"n": 1}));
    assert_eq!(gateway.made(), [json!({"n": 1})]);
}
