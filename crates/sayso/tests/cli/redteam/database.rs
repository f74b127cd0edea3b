//! The operator's attacks: the database, written behind the server's back. What `sayso ledger
//! verify` says of it, and what the server does that is started on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sayso_core::directory::{By, Change, Countersigned};
use sayso_core::enrolment::{Countersignature, Enrolment};
use sayso_core::signature::{Domain, PersonKey, Proof};
use sayso_core::{Nonce, ReviewerName, WorkspaceEvent};
use sayso_ledger::tree::leaf_hash;
use sayso_store::sqlite::{Access, SqliteStore};
use sayso_store::{Amendment, Body, Happened, NewEntry, Store};
use serde_json::{Value, json};

use super::permits::granted;
use super::raw::{call, decide, propose, send};
use crate::server::{Server, sayso};

/// The data of a day that has ended, and what an auditor kept of it.
struct Day {
    folder: tempfile::TempDir,
    trust: String,
    /// A head of before noon, and the last.
    noon: String,
    last: String,
}

impl Day {
    fn ended() -> Self {
        let server = Server::start();
        let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
        let (_, permit) = granted(&server, &bot, &ana, "logs");
        call(&server, &bot, "POST", "/v1/permits/redeem", &json!({"permit": permit}));
        let noon = sealed(&server, &ana);
        let asked = propose(
            &server,
            &bot,
            &json!({"action": {"tool": "shell"}, "message": "Please let me."}),
        );
        assert_eq!(decide(&server, &ana, &asked, "deny").status, 200);
        granted(&server, &bot, &ana, "users");
        let last = sealed(&server, &ana);
        let key = send(&server, "GET", "/v1/ledger/key", &[], "").text;
        let folder = tempfile::tempdir().unwrap();
        copy(server.data(), folder.path());
        // Once more when it has stopped: what it had in its head is on disk then.
        let data = server.data().to_owned();
        server.stop_and(|| copy(&data, folder.path()));
        let trust = format!("{}\nquorum none\n", key.trim());
        Self { folder, trust, noon, last }
    }

    /// The same data, after somebody with all rights wrote to the database.
    fn forged(&self, forge: impl FnOnce(&Connection)) -> Forged<'_> {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        let database = Connection::open(folder.path().join("sayso.db")).unwrap();
        forge(&database);
        database.close().unwrap();
        Forged { day: self, folder }
    }
}

struct Forged<'a> {
    day: &'a Day,
    folder: tempfile::TempDir,
}

impl Forged<'_> {
    /// What the auditor is told, who has the log's key, and perhaps a head, from elsewhere.
    fn verify(&self, kept: Option<&str>) -> (i32, String) {
        let trust = self.file("trust.policy", &self.day.trust);
        let mut command = sayso();
        command.arg("--data").arg(self.folder.path()).args(["ledger", "verify", "--trust"]);
        command.arg(trust);
        if let Some(kept) = kept {
            command.arg("--head").arg(self.file("kept", kept));
        }
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said.into_owned())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[track_caller]
    fn refuted(&self, kept: Option<&str>, words: &str) {
        let (code, said) = self.verify(kept);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(words), "{words:?} is not in {said}");
    }

    /// What a server says that is started on it, and does not come up.
    #[track_caller]
    fn starts_no_server(&self, words: &str) {
        let mut command = sayso();
        command.arg("--data").arg(self.folder.path());
        let output = command.args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    // Keys that others can read are not used.
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

/// The newest head, as soon as it covers everything.
fn sealed(server: &Server, ana: &str) -> String {
    loop {
        let note = send(server, "GET", "/v1/ledger/checkpoint", &[], "").text;
        let size = note.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
        let entries = call(server, ana, "GET", "/v1/ledger/entries?limit=1", &Value::Null).json();
        if size == entries["size"].as_u64() {
            return note;
        }
        std::thread::yield_now();
    }
}

/// The row of the last event of that word.
fn row(database: &Connection, word: &str) -> i64 {
    let like = format!("%\"type\":\"{word}\"%");
    let find = "SELECT max(seq) FROM ledger WHERE event LIKE ?1";
    database.query_row(find, [like], |row| row.get(0)).unwrap()
}

fn run(database: &Connection, change: &str) {
    assert!(database.execute(change, []).unwrap() > 0, "{change}");
}

fn edit(database: &Connection, word: &str, from: &str, to: &str) {
    let edit = "UPDATE ledger SET event = replace(event, ?2, ?3) WHERE seq = ?1";
    let before: String = {
        let find = "SELECT event FROM ledger WHERE seq = ?1";
        database.query_row(find, [row(database, word)], |row| row.get(0)).unwrap()
    };
    assert!(before.contains(from), "{before}");
    assert_eq!(database.execute(edit, params![row(database, word), from, to]).unwrap(), 1);
}

#[test]
fn an_untouched_day_is_not_refuted() {
    let day = Day::ended();
    let untouched = day.forged(|_| ());
    for kept in [None, Some(&*day.noon), Some(&*day.last)] {
        let (code, said) = untouched.verify(kept);
        assert!(matches!(code, 0 | 3) && !said.contains("refuted"), "{said}");
    }
}

#[test]
fn whatever_is_changed_in_the_database_is_told() {
    let day = Day::ended();
    let another_root = "lead to another root than the newest head's";
    // An edited row: somebody else approved it, somebody else asked for it.
    day.forged(|it| edit(it, "approved", "\"ana\"", "\"bob\"")).refuted(None, another_root);
    day.forged(|it| edit(it, "denied", "\"ana\"", "\"bob\"")).refuted(None, another_root);
    // Moved in time, by a second.
    let later = "UPDATE ledger SET at = at + 1000000 WHERE seq = 5";
    day.forged(|it| run(it, later)).refuted(None, another_root);
    // Reordered: two events of one history change places.
    let reordered = day.forged(|it| {
        let (first, second) = (row(it, "approved"), row(it, "granted"));
        let swap = "UPDATE ledger SET event = (SELECT event FROM ledger AS other \
                    WHERE other.seq = ?1 + ?2 - ledger.seq) WHERE seq IN (?1, ?2)";
        it.execute(swap, [first, second]).unwrap();
    });
    reordered.refuted(None, another_root);
    // A body that says something else, under the hash of what was said.
    let body = day.forged(|it| {
        let change = "UPDATE body SET content = \
                      CAST(replace(CAST(content AS TEXT), 'let me', 'let us') AS BLOB) \
                      WHERE CAST(content AS TEXT) LIKE '%let me%'";
        assert_eq!(it.execute(change, []).unwrap(), 1);
    });
    body.refuted(None, "its body is another than the one that was written");
    // One erased is told apart from one changed.
    let erased = day.forged(|it| run(it, "DELETE FROM body"));
    let (code, said) = erased.verify(None);
    assert!(code == 3 && said.contains("redacted"), "{said}");
}

#[test]
fn a_deleted_tail_is_told_by_the_head_and_starts_no_server() {
    let day = Day::ended();
    let cut = |it: &Connection| {
        it.execute_batch(
            "PRAGMA foreign_keys = OFF;
             DELETE FROM body WHERE seq > (SELECT max(seq) - 2 FROM ledger);
             DELETE FROM ledger WHERE seq > (SELECT max(seq) - 2 FROM ledger);",
        )
        .unwrap();
    };
    let forged = day.forged(cut);
    forged.refuted(None, "are there");
    forged.starts_no_server("older copy");
    // The head as it was then goes along: what the auditor kept tells it.
    let with_its_head = day.forged(|it| {
        let noon: i64 = day.noon.lines().nth(1).unwrap().parse().unwrap();
        it.execute_batch("PRAGMA foreign_keys = OFF;").unwrap();
        it.execute("DELETE FROM body WHERE seq > ?1", [noon]).unwrap();
        it.execute("DELETE FROM ledger WHERE seq > ?1", [noon]).unwrap();
        it.execute("UPDATE sealed SET size = ?1, note = ?2", params![noon, day.noon]).unwrap();
    });
    with_its_head.refuted(Some(&day.last), "are there");
    with_its_head.starts_no_server("older copy");
}

#[test]
fn a_head_that_was_swapped_or_forged_is_told() {
    let day = Day::ended();
    let other = Day::ended();
    let put = |note: &str| {
        day.forged(|it| {
            assert_eq!(it.execute("UPDATE sealed SET note = ?1", [note]).unwrap(), 1);
        })
    };
    put(&other.last).refuted(None, "the trust file has no key of the log");
    put("").refuted(Some(&other.last), "the trust file has no key of the log");
    // The log's name and size, with the root of an empty tree, or any; and no signature for it.
    let signature = day.last.rsplit('\n').find(|line| line.starts_with('\u{2014}')).unwrap();
    let lines: Vec<_> = day.last.lines().collect();
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for (size, root) in [(lines[1], empty), ("0", empty), ("999999", lines[2])] {
        let forged = format!("{}\n{size}\n{root}\n\n{signature}\n", lines[0]);
        put(&forged).refuted(None, "the newest head: ");
        put(&format!("{}\n{size}\n{root}\n\n", lines[0])).refuted(None, "the newest head");
    }
    // An old head of the log's own is well signed; it leaves the rest without one.
    let (code, said) = put(&day.noon).verify(None);
    assert!(code == 3 && said.contains("are under no head"), "{said}");
}

#[test]
fn a_log_that_its_operator_wrote_anew_and_signed_is_told_by_a_head_that_was_kept() {
    let day = Day::ended();
    let forged = day.forged(|it| edit(it, "denied", "\"ana\"", "\"bob\""));
    // All that the operator has: the entry's leaf hashed anew, the tree forgotten, and the server
    // made to sign it with the log's own key.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries = runtime.block_on(async {
        let store = SqliteStore::open(forged.folder.path(), "default", Access::Read).unwrap();
        store.raw_entries(1, 1_000).await.unwrap()
    });
    let database = Connection::open(forged.folder.path().join("sayso.db")).unwrap();
    for (seq, entry) in (1_i64..).zip(&entries) {
        let leaf = leaf_hash(&entry.bytes);
        let update = "UPDATE ledger SET leaf = ?2 WHERE seq = ?1";
        assert_eq!(database.execute(update, params![seq, leaf.as_bytes()]).unwrap(), 1);
    }
    database.execute_batch("DELETE FROM tile; DELETE FROM sealed;").unwrap();
    database.close().unwrap();
    forged.starts_no_server("--accept-restored-backup");
    std::fs::remove_file(forged.folder.path().join("head")).unwrap();
    let Forged { day, folder } = forged;
    let data = folder.path().to_owned();
    let server = Server::on(folder, None, "127.0.0.1:0");
    // Any event has the log sealed.
    let ana = server.reviewer("carla");
    propose(&server, &server.agent("bot"), &json!({"action": {"tool": "note"}}));
    sealed(&server, &ana);
    let folder = tempfile::tempdir().unwrap();
    server.stop_and(|| copy(&data, folder.path()));
    let anew = Forged { day, folder };
    let (_, said) = anew.verify(None);
    assert!(!said.contains("another root"), "its own head fits: {said}");
    anew.refuted(Some(&day.last), "lead to another root than the head ");
    // The three lines of a message's footer are enough.
    let footer: Vec<_> = day.last.lines().take(3).collect();
    anew.refuted(Some(&footer.join("\n")), "the log was rewritten, or somebody was shown another");
}

/// A new SSH key without a passphrase, and its public half.
fn ssh_key(folder: &Path, name: &str) -> (PathBuf, PersonKey) {
    let file = folder.join(name);
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&file);
    assert!(make.status().unwrap().success());
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    (file, PersonKey::Ssh(public.parse().unwrap()))
}

/// What that key signs in that namespace.
fn ssh_sign(file: &Path, namespace: &str, text: &str) -> Proof {
    let message = file.with_extension("message");
    std::fs::write(&message, text).unwrap();
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(file).arg(&message);
    assert!(sign.status().unwrap().success());
    let signature = std::fs::read_to_string(file.with_extension("message.sig")).unwrap();
    serde_json::from_value(json!({"kind": "ssh", "signature": signature})).unwrap()
}

#[test]
fn a_key_that_the_operator_slips_into_the_database_is_told_to_whoever_knows_the_first_one() {
    let server = Server::start();
    for name in ["ana", "bo"] {
        server.reviewer(name);
    }
    let keys = tempfile::tempdir().unwrap();
    let (anas, first) = ssh_key(keys.path(), "ana");
    let (own, mallorys) = ssh_key(keys.path(), "mallory");
    let public = anas.with_extension("pub");
    let key = ["reviewer", "key"];
    let added =
        server.beside().args(key).arg("add").arg(public).args(["--reviewer", "ana"]).output();
    assert!(added.unwrap().status.success());
    let vouch = server.beside().args(key).args(["vouch", &first.fingerprint(), "--first"]).output();
    assert!(vouch.unwrap().status.success());

    // With all rights on the data: a key of Bo's that he never saw, and Ana's word for it, which
    // the operator's own key signed.
    let folder = server.ended();
    let bo: ReviewerName = "bo".parse().unwrap();
    let at = Timestamp::now();
    let enrolment = Enrolment {
        v: sayso_core::enrolment::FORM,
        workspace: "default".into(),
        reviewer: bo.clone(),
        key: mallorys.clone(),
        by: first.id(),
        nonce: Nonce::from_entropy([7; 16]),
        issued_at: at,
    };
    let statement = enrolment.text();
    let proof = ssh_sign(&own, Domain::Enrolment.tag(), &statement);
    let countersignature = Countersignature { statement, proof };
    let (name, by) = ("ana".parse().unwrap(), first.id());
    let countersigned =
        Countersigned::Reviewer { name, key: by, statement: countersignature.digest() };
    let offered = Change::KeyOffered { person: bo.clone(), key: mallorys.clone() };
    let enrolled = Change::KeyEnrolled { person: bo.clone(), key: mallorys.id(), countersigned };
    let content = serde_json::to_vec(&countersignature).unwrap();
    let entry = |by: &str, change, body| {
        let (by, change) = (By::Person(by.parse().unwrap()), Box::new(change));
        let event = WorkspaceEvent::AuthorityChanged { by, change };
        NewEntry { at, happened: Happened::Workspace(event), body }
    };
    let body = Some(Body { salt: [7; 16], content });
    let entries = vec![entry("bo", offered, None), entry("ana", enrolled, body)];
    let amendment = Amendment { after: u64::MAX, entries, ..Amendment::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(folder.path(), "default", Access::Serve).unwrap();
        store.amend(&amendment).await.unwrap();
    });

    // The server goes by its database, and signs that as it signs everything.
    let server = Server::on(folder, None, "127.0.0.1:0");
    let ana = server.reviewer("carla");
    let known = call(&server, &ana, "GET", "/v1/keys", &Value::Null).text;
    assert!(known.contains(&mallorys.id().to_string()), "{known}");
    server.sealed();
    let trust = keys.path().join("trust.policy");
    std::fs::write(&trust, format!("{}\nquorum none\n", server.get("/v1/ledger/key").trim()))
        .unwrap();
    let mut verify = server.beside();
    verify.args(["ledger", "verify", "--pin", &first.fingerprint(), "--trust"]).arg(trust);
    let output = verify.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("nobody vouches for bo's key: the countersignature does not hold"),
        "{said}"
    );
}
