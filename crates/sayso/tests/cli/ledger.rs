//! `sayso ledger`: what an auditor has of it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::{Server, json, sayso};

/// A forged history of the conformance suite, as a folder that was exported.
struct Folder(tempfile::TempDir);

impl Folder {
    fn of(vector: &str) -> Self {
        let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
        let suite = suite.join("../sayso-ledger/tests/ledger/vectors");
        let text = std::fs::read_to_string(suite.join(format!("{vector}.json"))).unwrap();
        let case = &serde_json::from_str::<Value>(&text).unwrap()["case"];
        let folder = Self(tempfile::tempdir().unwrap());
        let mut bundle = Vec::new();
        let entries = case["entries"].as_array().unwrap();
        for entry in entries {
            let entry = entry.as_str().unwrap().as_bytes();
            bundle.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            bundle.extend(entry);
        }
        folder.put(&format!("tile/entries/000.p/{}", entries.len()), &bundle);
        let bodies = case["bodies"].as_array().unwrap().iter();
        let bodies: Vec<_> = bodies.map(ToString::to_string).collect();
        folder.put("bodies.jsonl", bodies.join("\n").as_bytes());
        folder.put("checkpoint", case["head"].as_str().unwrap().as_bytes());
        folder.put("trust.policy", case["trust"].as_str().unwrap().as_bytes());
        if let Some(kept) = case["heads"][0]["text"].as_str() {
            folder.put("kept", kept.as_bytes());
        }
        folder
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Runs `sayso ledger verify` on it; its exit code and what it printed.
    fn verify(&self, words: &[&str]) -> (i32, String) {
        let mut command = sayso();
        command.current_dir(self.0.path()).args(["ledger", "verify", "."]).args(words);
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said.into_owned())
    }
}

const TRUST: [&str; 2] = ["--trust", "trust.policy"];

#[test]
fn a_forged_folder_is_refuted_with_exit_1_and_a_sentence() {
    let (code, said) = Folder::of("hard-grant-without-quorum").verify(&TRUST);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("it is granted on 1 of the 2 approvals by different people"), "{said}");
    assert!(said.contains("Not proved, by any log:"), "{said}");
}

#[test]
fn a_head_that_was_kept_refutes_a_log_that_was_sealed_anew() {
    let folder = Folder::of("edited-row-against-a-footer");
    assert_ne!(folder.verify(&TRUST).1, "");
    let (code, said) = folder.verify(&["--trust", "trust.policy", "--head", "kept"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another root than the head kept"), "{said}");
}

#[test]
fn what_was_erased_or_cannot_be_told_is_exit_3() {
    let (code, said) = Folder::of("body-erased").verify(&TRUST);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("redacted") && !said.contains("refuted"), "{said}");
    // Without a trust file nobody knows whose signature a head should bear.
    let (code, said) = Folder::of("body-erased").verify(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("can't be told without a trust file"), "{said}");
}

#[test]
fn what_is_no_ledger_is_an_error_with_its_mend() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let (code, said) = folder.verify(&[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`sayso ledger export` writes one"), "{said}");
    let mut command = sayso();
    command.arg("--data").arg(folder.0.path()).args(["ledger", "verify"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("there is no Sayso data in"), "{said}");
}

/// A server with some history, and its log's key as a trust file beside the data.
struct Told {
    server: Server,
    ana: String,
    /// What was approved and done.
    done: String,
}

impl Told {
    fn story() -> Self {
        let server = Server::start();
        let bot = server.agent("bot");
        let roles = ["--role", "reviewer", "--role", "owner"];
        let ana =
            server.beside().args(["reviewer", "add", "ana"]).args(roles).arg("--json").output();
        let ana = json(&ana.unwrap())["token"].as_str().unwrap().to_owned();
        let asks = |words: &[&str]| {
            let mut command = server.as_(&bot);
            command.args(words).arg("--json").output().unwrap()
        };
        let noted = asks(&["ask", "--tool", "note", "--arg", "n=1"]);
        assert_eq!(noted.status.code(), Some(0), "{noted:?}");
        let asked = asks(&["ask", "--tool", "drop", "--arg", "table=invoices", "--detach"]);
        let denied = json(&asked)["id"].as_str().unwrap().to_owned();
        let says = |words: &[&str]| {
            let output = server.as_(&ana).args(words).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        };
        says(&["deny", &denied, "-c", "not today"]);
        let mut run = server.as_(&bot);
        let run = run.args(["run", "-m", "harmless", "--detach", "--json", "--", "true"]).output();
        let done = json(&run.unwrap())["id"].as_str().unwrap().to_owned();
        says(&["approve", &done, "--yes"]);
        let resumed = server.as_(&bot).args(["run", "--resume", &done]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
        let told = Self { server, ana, done };
        let key = told.server.get("/v1/ledger/key");
        std::fs::write(told.file("trust.policy"), key).unwrap();
        told
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.server.data().join(name)
    }

    /// Runs `sayso ledger verify`, and says its exit code and what it printed.
    fn verify(&self, mut command: Command, words: &[&str]) -> (i32, String) {
        command.args(["ledger", "verify", "--trust"]).arg(self.file("trust.policy")).args(words);
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said.into_owned())
    }

    fn export(&self, format: &str) -> std::path::PathBuf {
        let folder = self.file(format);
        let mut command = self.server.beside();
        command.args(["ledger", "export", "--format", format]).arg(&folder);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        folder
    }
}

#[test]
fn a_ledger_is_verified_from_its_database_its_server_and_a_folder_of_it() {
    let told = Told::story();
    told.server.sealed();
    let (code, said) = told.verify(told.server.beside(), &[]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = told.verify(told.server.as_(&told.ana), &[]);
    assert_eq!(code, 0, "{said}");
    let folder = told.export("tiles");
    let (code, said) = told.verify(sayso(), &[folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("verified"), "{said}");
    // Who has no right to the texts gets none.
    let stranger = told.server.agent("stranger");
    assert_eq!(told.verify(told.server.as_(&stranger), &[]).0, 2);
}

#[test]
fn a_row_that_was_edited_in_the_database_is_refuted() {
    let told = Told::story();
    told.server.sealed();
    let db = rusqlite::Connection::open(told.file("sayso.db")).unwrap();
    let sql = "UPDATE ledger SET event = replace(event, '\"by\":\"ana\"', '\"by\":\"bob\"')
               WHERE event LIKE '%\"approved\"%'";
    assert_eq!(db.execute(sql, []).unwrap(), 1);
    let (code, said) = told.verify(told.server.beside(), &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("lead to another root than the newest head's"), "{said}");
    assert!(said.contains("there is no person bob"), "{said}");
}

#[test]
fn an_owner_erases_texts_and_the_ledger_is_redacted_not_refuted() {
    let told = Told::story();
    let erase = |token: &str| {
        let mut command = told.server.as_(token);
        command.args(["ledger", "erase", &told.done, "--yes"]).output().unwrap()
    };
    let bo = told.server.reviewer("bo");
    let refused = erase(&bo);
    assert_ne!(refused.status.code(), Some(0));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("that takes the role \"owner\""), "{said}");
    let erased = erase(&told.ana);
    assert_eq!(erased.status.code(), Some(0), "{erased:?}");
    told.server.sealed();
    let (code, said) = told.verify(told.server.beside(), &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("its body was erased by ana") && !said.contains("refuted"), "{said}");
    let shown = told.server.as_(&told.ana).args(["show", &told.done]).output().unwrap();
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("harmless"), "{shown:?}");
}

#[test]
fn texts_that_people_still_need_are_not_erased() {
    let told = Told::story();
    let bot = told.server.agent("bot2");
    let asked =
        told.server.as_(&bot).args(["ask", "--tool", "drop", "--detach", "--json"]).output();
    let id = json(&asked.unwrap())["id"].as_str().unwrap().to_owned();
    let mut command = told.server.as_(&told.ana);
    let refused = command.args(["ledger", "erase", &id, "--yes"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("needed while people have to decide"), "{said}");
}

#[test]
fn other_tools_get_the_ledger_as_json_lines_cloudevents_and_ocsf() {
    let told = Told::story();
    told.server.sealed();
    let lines = |format: &str, file: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(told.export(format).join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let own = lines("jsonl", "events.jsonl");
    let cloud = lines("cloudevents", "cloudevents.jsonl");
    let ocsf = lines("ocsf", "ocsf.jsonl");
    assert!(own.len() > 8 && own.len() == cloud.len() && own.len() == ocsf.len());
    let of = |value: &Value| value["entry"]["event"]["type"] == "approved";
    let at = own.iter().position(of).unwrap();
    let (own, cloud, ocsf) = (&own[at], &cloud[at], &ocsf[at]);
    assert_eq!(own["index"], at);
    assert_eq!(cloud["specversion"], "1.0");
    assert_eq!(cloud["type"], "sayso.escalation.approved");
    assert_eq!(cloud["subject"], told.done.as_str());
    assert_eq!(cloud["data"]["entry"], own["entry"]);
    assert_eq!((&ocsf["class_uid"], &ocsf["type_uid"]), (&6003.into(), &600_303.into()));
    assert_eq!(ocsf["actor"]["user"]["name"], "ana");
    // Whoever has the event can check its attestation: SHA-256 over a zero byte and the entry.
    let raw = ocsf["raw_data"].as_str().unwrap();
    let leaf = sayso_core::Digest::of_parts(&[&[0], raw.as_bytes()]).to_string();
    assert_eq!(ocsf["attestation_list"][0]["fingerprint"]["value"], leaf.as_str());
    assert_eq!(own["leaf"], leaf.as_str());
}
