//! A served instance to test against, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) const POLICY: &str = r#"
[[rule]]
tool = "note"
tier = "fyi"

[[rule]]
tool = "merge"
tier = "soft"
window = "1s"

[[rule]]
tool = "ask"
tier = "fyi"

[[rule]]
tool = ["drop", "shell"]
tier = "hard"

[[rule]]
tool = "release"
tier = "hard"
quorum = { security = 1, leads = 1 }
self_approval = "never"

[[rule]]
tool = "vault"
tier = "hard"
assurance = "signed"
"#;

/// The binary, with no environment of the tester's.
pub(crate) fn sayso() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayso"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SAYSO_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a command printed, as JSON.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {output:?}");
    })
}

/// What a server is started with, where that matters.
pub(crate) struct Setup<'a> {
    pub(crate) policy: &'a str,
    pub(crate) database: Option<String>,
    pub(crate) flags: &'a [&'a str],
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { policy: POLICY, database: None, flags: &[] }
    }
}

impl Setup<'_> {
    /// Starts one on a fresh folder; it is ready when this returns.
    pub(crate) fn start(&self) -> Server {
        let (folder, database) = (tempfile::tempdir().unwrap(), self.database.clone());
        Server::under(self.policy, folder, database, "127.0.0.1:0", self.flags)
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
    database: Option<String>,
    flags: Vec<String>,
}

impl Server {
    /// Starts one on a fresh folder; it is ready when this returns.
    pub(crate) fn start() -> Self {
        Self::on(tempfile::tempdir().unwrap(), None, "127.0.0.1:0")
    }

    /// Starts one on that folder, database and address.
    pub(crate) fn on(folder: tempfile::TempDir, database: Option<String>, listen: &str) -> Self {
        Self::with(folder, database, listen, &[])
    }

    /// Starts one with these flags, too.
    pub(crate) fn with(
        folder: tempfile::TempDir,
        database: Option<String>,
        listen: &str,
        flags: &[&str],
    ) -> Self {
        Self::under(POLICY, folder, database, listen, flags)
    }

    fn under(
        rules: &str,
        folder: tempfile::TempDir,
        database: Option<String>,
        listen: &str,
        flags: &[&str],
    ) -> Self {
        let policy = folder.path().join("test-policy.toml");
        std::fs::write(&policy, rules).unwrap();
        let mut command = sayso();
        command.arg("--data").arg(folder.path());
        if let Some(database) = &database {
            command.args(["--database", database]);
        }
        command.args(["--json", "serve", "--listen", listen, "--policy"]).arg(&policy).args(flags);
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let output = child.wait_with_output().unwrap();
            panic!("the server did not start: {}", String::from_utf8_lossy(&output.stderr));
        };
        Self { child, url: ready["url"].as_str().unwrap().to_owned(), folder, database, flags }
    }

    /// A command on the same data.
    pub(crate) fn beside(&self) -> Command {
        let mut command = sayso();
        command.arg("--data").arg(self.folder.path());
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        command
    }

    pub(crate) fn agent(&self, name: &str) -> String {
        let output = self.beside().args(["agent", "add", name, "--json"]).output().unwrap();
        json(&output)["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn reviewer(&self, name: &str) -> String {
        self.person(name, &["reviewer"])
    }

    /// A person with these roles.
    pub(crate) fn person(&self, name: &str, roles: &[&str]) -> String {
        let mut command = self.beside();
        command.args(["reviewer", "add", name, "--json"]);
        for role in roles {
            command.args(["--role", role]);
        }
        json(&command.output().unwrap())["token"].as_str().unwrap().to_owned()
    }

    /// A command of somebody with that credential.
    pub(crate) fn as_(&self, token: &str) -> Command {
        let mut command = sayso();
        command.env("SAYSO_URL", &self.url).env("SAYSO_TOKEN", token);
        command
    }

    /// Opens a reviewer's watching terminal; it listens when this returns.
    pub(crate) fn watch(&self, token: &str) -> Watching {
        let mut command = self.as_(token);
        command.args(["inbox", "--watch", "--json"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let metrics = format!("{}/metrics", self.url);
        let listens = || {
            let mut page = ureq::get(&metrics).call().unwrap();
            !page.body_mut().read_to_string().unwrap().contains("sayso_listeners 0")
        };
        while !listens() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Watching { child, lines }
    }

    /// What it answers to anybody.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut page = ureq::get(format!("{}{path}", self.url)).call().unwrap();
        page.body_mut().read_to_string().unwrap()
    }

    /// The newest head, once it covers everything that there is now.
    pub(crate) fn sealed(&self) -> String {
        let verify = self.beside().args(["ledger", "verify", "--json"]).output().unwrap();
        let entries = json(&verify)["entries"].as_u64().unwrap();
        loop {
            // A new log has none for its first moments.
            let head = ureq::get(format!("{}/v1/ledger/checkpoint", self.url)).call().ok();
            let note = head.map(|mut head| head.body_mut().read_to_string().unwrap());
            let note = note.unwrap_or_default();
            let size = note.lines().nth(1).map(|size| size.parse::<u64>().unwrap());
            if size.is_some_and(|size| size >= entries) {
                return note;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Reads its log until it says that.
    pub(crate) fn says(&mut self, words: &str) {
        let mut log = BufReader::new(self.child.stderr.as_mut().unwrap());
        let mut said = String::new();
        while !said.contains(words) {
            assert_ne!(log.read_line(&mut said).unwrap(), 0, "it never says {words:?}: {said}");
        }
    }

    /// Kills it at once, and starts another on the same data and address.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let listen = self.url.trim_start_matches("http://").to_owned();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        Self::with(folder, self.database.clone(), &listen, &flags)
    }

    /// Tells it to stop, and waits until it has; its folder, for another.
    pub(crate) fn ended(mut self) -> tempfile::TempDir {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let (well, log) = self.stop();
        assert!(well, "{log}");
        folder
    }

    /// Tells it to stop, and waits until it has; then does that, before its folder goes.
    pub(crate) fn stop_and<T>(mut self, then: impl FnOnce() -> T) -> T {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        self.stop();
        let done = then();
        drop(folder);
        done
    }

    /// Tells it to stop, and waits until it has; what it wrote to its log.
    pub(crate) fn stop(mut self) -> (bool, String) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut log).unwrap();
        (self.child.wait().unwrap().success(), log)
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal that listens.
pub(crate) struct Watching {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Watching {
    /// Reads on until that word happened to an escalation of that tool; the escalation then.
    pub(crate) fn until(&mut self, word: &str, tool: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the stream ended");
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == word && event["escalation"]["action"]["tool"] == tool {
                return event["escalation"].clone();
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
