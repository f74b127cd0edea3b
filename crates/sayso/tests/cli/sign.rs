//! Signing from the command line, with the stock `ssh-keygen`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, json as printed, sayso};

/// A new SSH key of that kind, without a passphrase.
pub(crate) fn key(folder: &Path, name: &str, kind: &str) -> PathBuf {
    let file = folder.join(name);
    let bits = ["-b", "256"];
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", kind, "-C", "a comment", "-f"])
        .arg(&file)
        .args(bits)
        .status()
        .expect("ssh-keygen (Debian: openssh-client); scripts/setup installs it");
    assert!(made.success());
    file
}

pub(crate) struct Office {
    pub(crate) server: Server,
    pub(crate) bot: String,
    pub(crate) ana: String,
    pub(crate) bo: String,
}

impl Office {
    fn open() -> Self {
        Self::of(Server::start())
    }

    pub(crate) fn of(server: Server) -> Self {
        let (bot, ana, bo) = (server.agent("bot"), server.reviewer("ana"), server.reviewer("bo"));
        Self { server, bot, ana, bo }
    }

    pub(crate) fn run(&self, token: &str, arguments: &[&str]) -> Output {
        self.server.as_(token).args(arguments).output().unwrap()
    }

    pub(crate) fn on_data(&self, arguments: &[&str]) -> Value {
        let output = self.server.beside().arg("--json").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        printed(&output)
    }

    /// Offers the key as that person's own.
    fn offer(&self, token: &str, file: &Path) -> Value {
        printed(&self.run(token, &["reviewer", "key", "add", text(file), "--json"]))
    }

    /// Has an auditor look at the whole ledger, who knows that key from elsewhere.
    fn verifies(&self, known: &[&str]) {
        let mut verify = self.server.beside();
        let report = verify.args(["--json", "ledger", "verify"]).args(known).output().unwrap();
        let report = printed(&report);
        let steps = report["steps"].as_array().unwrap().iter();
        let signatures = steps.clone().find(|step| step["step"] == "signatures").unwrap();
        assert_eq!(signatures["verdict"], "verified", "{report}");
        assert!(signatures["checked"].as_u64().unwrap() > 1, "{report}");
        assert!(steps.clone().all(|step| step["verdict"] != "refuted"), "{report}");
    }

    /// Proposes what takes a signature; its id.
    fn ask(&self) -> String {
        let asked = self.run(&self.bot, &["ask", "--tool", "vault", "--detach", "--json"]);
        printed(&asked)["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn an_approval_is_signed_with_a_key_that_somebody_vouches_for() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let (anas, bos) = (key(folder.path(), "ana", "ed25519"), key(folder.path(), "bo", "ecdsa"));
    let first = office.offer(&office.ana, &anas);
    assert_eq!((&first["person"], &first["standing"]), (&json!("ana"), &json!("offered")));

    let id = office.ask();
    let approve = |token: &str, file: &Path| {
        office.run(token, &["approve", &id, "--yes", "--sign", text(file)])
    };
    let early = approve(&office.ana, &anas);
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    assert!(said(&early).contains("is not an enrolled key of yours"), "{early:?}");

    let enrolled =
        office.on_data(&["reviewer", "key", "vouch", first["id"].as_str().unwrap(), "--first"]);
    assert_eq!(enrolled["standing"], "enrolled");
    let second = office.offer(&office.bo, &bos);
    let print = second["fingerprint"].as_str().unwrap();
    let by_ana = office
        .run(&office.ana, &["reviewer", "key", "vouch", print, "--sign", text(&anas), "--json"]);
    assert_eq!(printed(&by_ana)["countersigned_by"], "ana", "{by_ana:?}");

    // Ana's key is none of Bo's.
    assert_eq!(approve(&office.bo, &anas).status.code(), Some(1));
    let granted = approve(&office.bo, &bos);
    assert!(granted.status.success(), "{granted:?}");
    assert!(said(&granted).contains("approve: vault"), "what is signed is shown: {granted:?}");
    let shown = printed(&office.run(&office.ana, &["show", &id, "--json"]));
    assert_eq!(shown["outcome"], "granted");
    assert_eq!(shown["decisions"][0]["assurance"], "signed", "{shown}");
    office.verifies(&["--pin", first["fingerprint"].as_str().unwrap()]);
}

#[test]
fn without_a_signature_it_is_too_weak_and_refusing_takes_none() {
    let office = Office::open();
    let id = office.ask();
    let weak = office.run(&office.ana, &["approve", &id, "--yes"]);
    assert_eq!(weak.status.code(), Some(1), "{weak:?}");
    assert!(said(&weak).contains("signed"), "{weak:?}");
    assert!(office.run(&office.ana, &["deny", &id]).status.success());
}

#[test]
fn the_organisation_vouches_with_its_own_key() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let (anas, ours) = (key(folder.path(), "ana", "ed25519"), key(folder.path(), "we", "ed25519"));
    let added = office.on_data(&["reviewer", "key", "add", text(&anas), "--reviewer", "ana"]);
    let id = added["id"].as_str().unwrap();
    let vouched = office.on_data(&["reviewer", "key", "vouch", id, "--organisation", text(&ours)]);
    assert_eq!(vouched["countersigned_by"], "the organisation");
    let id = office.ask();
    let approved = office.run(&office.ana, &["approve", &id, "--yes", "--sign", text(&anas)]);
    assert!(approved.status.success(), "{approved:?}");
    let public = ours.with_extension("pub");
    office.verifies(&["--organisation", text(&public)]);
}

#[test]
fn ssh_agent_signs_for_a_public_key() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let anas = key(folder.path(), "ana", "ed25519");
    let first = office.offer(&office.ana, &anas);
    office.on_data(&["reviewer", "key", "vouch", first["id"].as_str().unwrap(), "--first"]);

    let socket = folder.path().join("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a", text(&socket)])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let add = || {
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(&anas).env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null());
        add.status().unwrap().success()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !add() {
        assert!(std::time::Instant::now() < deadline, "ssh-agent does not answer");
        std::thread::yield_now();
    }
    std::fs::remove_file(&anas).unwrap();
    let public = anas.with_extension("pub");
    let id = office.ask();
    let approved = office
        .server
        .as_(&office.ana)
        .args(["approve", &id, "--yes", "--sign", text(&public)])
        .env("SSH_AUTH_SOCK", &socket)
        .output()
        .unwrap();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(approved.status.success(), "{approved:?}");
}

#[test]
fn a_file_that_is_no_key_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "no key").unwrap();
    let output = sayso()
        .args(["reviewer", "key", "add", text(&file)])
        .env("SAYSO_TOKEN", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("notes.txt can't be used"), "{output:?}");
}
