//! What a person sees on a terminal: a real one, which `script` makes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::server::{Server, Setup, json, sayso};

const POLICY: &str = r#"
[[rule]]
tool = "merge"
tier = "soft"
window = "1m"

[[rule]]
tool = "drop"
tier = "hard"
"#;

/// A command on a terminal, and what is to be seen there.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn open(server: &Server, token: &str, command: &str) -> Self {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--command"]);
        script.arg(format!("{} {command}", env!("CARGO_BIN_EXE_sayso"))).arg("/dev/null");
        let environment = sayso();
        for (name, value) in environment.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.env("SAYSO_URL", &server.url).env("SAYSO_TOKEN", token).env("TERM", "xterm");
        script.env_remove("NO_COLOR").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().expect("script (Debian: bsdutils)");
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keys, screen, shown: String::new() }
    }

    /// What was shown so far, each thing that took another's place on a line of its own, without
    /// its colours.
    fn lines(&self) -> Vec<String> {
        let mut plain = String::new();
        let mut rest = self.shown.as_str();
        while let Some((before, escape)) = rest.split_once("\u{1b}[") {
            plain.push_str(before);
            rest = escape.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
            rest = rest.get(1..).unwrap_or_default();
        }
        plain.push_str(rest);
        plain.split(['\r', '\n']).map(|line| line.trim().to_owned()).collect()
    }

    /// Looks until that is to be seen.
    fn until<T>(&mut self, mut seen: impl FnMut(&[String]) -> Option<T>) -> T {
        let mut bytes = [0; 4_096];
        loop {
            if let Some(found) = seen(&self.lines()) {
                return found;
            }
            let count = self.screen.read(&mut bytes).unwrap();
            assert_ne!(count, 0, "it ended before that was seen: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn shows(&mut self, words: &str) {
        self.until(|lines| lines.iter().any(|line| line.contains(words)).then_some(()));
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keys, "{line}").unwrap();
    }

    /// Waits for its end; the exit code, and the last line that is not empty.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).unwrap();
        self.shown.push_str(&rest);
        let last = self.lines().into_iter().rfind(|line| !line.is_empty());
        (self.child.wait().unwrap().code(), last.unwrap_or_default())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Scene {
    server: Server,
    bot: String,
    ana: String,
}

impl Scene {
    fn begin() -> Self {
        let server = Setup { policy: POLICY, ..Setup::default() }.start();
        let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
        Self { server, bot, ana }
    }

    /// The only escalation that waits.
    fn waits(&self) -> String {
        loop {
            let inbox = self.server.as_(&self.ana).args(["inbox", "--json"]).output().unwrap();
            if let Some(id) = json(&inbox)[0]["id"].as_str() {
                return id.to_owned();
            }
        }
    }
}

/// The seconds that a countdown still has.
fn left(line: &str) -> Option<u32> {
    let left = line.strip_prefix("goes ahead in ")?.strip_suffix(" s unless vetoed")?;
    left.parse().ok()
}

#[test]
fn who_waits_sees_whether_silence_counts_and_how_long_it_still_takes() {
    let scene = Scene::begin();
    let mut asking = Terminal::open(&scene.server, &scene.bot, "ask --tool merge --arg n=1");
    asking.shows("soft merge {\"n\":1}");
    asking.shows("the window stands still until somebody hears");
    let _watching = scene.server.watch(&scene.ana);
    let counted = asking.until(|lines| {
        let mut counted: Vec<_> = lines.iter().filter_map(|line| left(line)).collect();
        counted.dedup();
        (counted.len() >= 2).then_some(counted)
    });
    assert!(counted[0] <= 60 && counted.is_sorted_by(|one, next| one > next), "{counted:?}");

    let id = scene.waits();
    let veto = ["veto", &id, "--comment", "not today"];
    assert!(scene.server.as_(&scene.ana).args(veto).output().unwrap().status.success());
    asking.shows("vetoed");
    let shown = asking.lines().join("\n");
    let (code, last) = asking.ends();
    assert_eq!((code, &*last), (Some(1), "ana says: not today"), "{shown}");
}

#[test]
fn who_approves_sees_exactly_what_and_is_asked_once_more() {
    let scene = Scene::begin();
    // What an agent says can neither act on the terminal nor pass for what we say.
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\rApprove exactly this? \u{202e}";
    let ask = ["ask", "--tool", "drop", "--arg", "table=users", "--detach", "-m", hostile];
    scene.server.as_(&scene.bot).args(ask).output().unwrap();
    let id = scene.waits();
    let asks = |answer: &str| {
        let mut approving = Terminal::open(&scene.server, &scene.ana, &format!("approve {id}"));
        approving.shows("table: users");
        approving.shows("│ ⟨U+001B⟩[2J⟨U+001B⟩]0;x⟨U+0007⟩⟨U+000D⟩Approve exactly this? ⟨U+202E⟩");
        approving.shows("Approve exactly this? Type yes:");
        approving.types(answer);
        approving.ends()
    };
    assert_eq!(asks("no").0, Some(3), "nothing but yes is a yes");
    assert_eq!(scene.waits(), id);
    let (code, last) = asks("yes");
    assert_eq!(code, Some(0));
    assert!(last.starts_with("granted"), "{last}");
}

#[test]
fn who_watches_is_told_that_it_counts_and_how_to_stop_what_comes() {
    let scene = Scene::begin();
    let mut watching = Terminal::open(&scene.server, &scene.ana, "inbox --watch");
    watching.shows("You are listening: windows pass.");
    let ask = ["ask", "--tool", "merge", "--detach", "--json"];
    let asked = scene.server.as_(&scene.bot).args(ask).output().unwrap();
    let id = json(&asked)["id"].as_str().unwrap().to_owned();
    watching.shows(&format!("sayso veto {}", &id[id.len() - 8..]));
    scene.server.as_(&scene.ana).args(["veto", &id]).output().unwrap();
    watching.shows("vetoed by ana");
}
