//! Witnesses: a real one, as the specification has it, over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sayso_ledger::note::Algorithm;
use sayso_ledger::proof::check_consistency;
use sayso_ledger::tree::empty_root;
use sayso_ledger::trust::Trust;
use sayso_ledger::{Checkpoint, Digest, Note, SigningKey, VerifyingKey};

use crate::server::Server;

/// A witness of one log (C2SP tlog-witness): cosigns heads that grow out of what it has cosigned.
struct Witness {
    url: String,
    key: VerifyingKey,
    known: Arc<Mutex<Known>>,
}

struct Known {
    log: Option<VerifyingKey>,
    size: u64,
    root: Digest,
    asked: usize,
}

impl Witness {
    fn start(name: &str) -> Self {
        let key = SigningKey::new(name, &[9; 32], Algorithm::Cosignature).unwrap();
        let public = key.public().clone();
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", door.local_addr().unwrap());
        let known = Known { log: None, size: 0, root: empty_root(), asked: 0 };
        let known = Arc::new(Mutex::new(known));
        let state = Arc::clone(&known);
        std::thread::spawn(move || {
            for stream in door.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut length) = (String::new(), 0);
                reader.read_line(&mut line).unwrap();
                assert_eq!(line, "POST /add-checkpoint HTTP/1.1\r\n");
                loop {
                    let mut header = String::new();
                    reader.read_line(&mut header).unwrap();
                    let header = header.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if header.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = String::from_utf8(body).unwrap();
                let (status, answer) = cosign(&key, &mut state.lock().unwrap(), &body);
                let kind = if status == 409 { "text/x.tlog.size" } else { "text/plain" };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{answer}",
                    answer.len()
                );
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, key: public, known }
    }

    /// The most of the log that it has cosigned.
    fn size(&self) -> u64 {
        self.known.lock().unwrap().size
    }
}

fn cosign(key: &SigningKey, known: &mut Known, body: &str) -> (u16, String) {
    known.asked += 1;
    let (head, note) = body.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let old: u64 = lines.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
    let hash = |line: &str| Digest::from_bytes(STANDARD.decode(line).unwrap().try_into().unwrap());
    let proof: Vec<_> = lines.map(hash).collect();
    let parsed: Note = note.parse().unwrap();
    let head: Checkpoint = parsed.text().parse().unwrap();
    let Some(log) = &known.log else { return (404, String::new()) };
    if log.name() != head.origin {
        return (404, String::new());
    }
    if log.check(&parsed).is_err() {
        return (403, String::new());
    }
    if old > head.size {
        return (400, String::new());
    }
    if old != known.size {
        return (409, format!("{}\n", known.size));
    }
    if check_consistency(old, head.size, &proof, known.root, head.root).is_err() {
        return (422, String::new());
    }
    (known.size, known.root) = (head.size, head.root);
    (200, key.sign(parsed.text(), 1_800_000_000))
}

fn text(url: &str) -> Option<String> {
    ureq::get(url).call().ok()?.body_mut().read_to_string().ok()
}

fn eventually<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "it never came to pass that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn log_key(server: &Server) -> (String, VerifyingKey) {
    let line = text(&format!("{}/v1/ledger/key", server.url)).unwrap();
    let key = line.trim().strip_prefix("log ").unwrap().parse().unwrap();
    (line, key)
}

#[test]
fn a_witness_cosigns_heads_and_who_trusts_it_believes_them() {
    let witness = Witness::start("wanda.example");
    let folder = tempfile::tempdir().unwrap();
    let key = witness.key.to_string();
    let nobody = SigningKey::new("nobody", &[3; 32], Algorithm::Cosignature).unwrap();
    let nobody = nobody.public().to_string();
    let with = ["--witness", &witness.url, "--witness-key", &key];
    // One that does not answer holds up neither the ledger nor the other witness.
    let broken = ["--witness", "http://127.0.0.1:9", "--witness-key", &nobody];
    let server = Server::with(folder, None, "127.0.0.1:0", &[with, broken].concat());
    let (line, log) = log_key(&server);
    witness.known.lock().unwrap().log = Some(log);

    server.agent("bot");
    let cosigned = format!("{}/v1/ledger/checkpoint/cosigned", server.url);
    let trust = Trust::parse(&format!("{line}witness w {key}\nquorum w\n")).unwrap();
    let note = eventually("a head is cosigned", || text(&cosigned));
    let first = trust.head(&note).unwrap();
    assert!(trust.head(&text(&format!("{}/v1/ledger/checkpoint", server.url)).unwrap()).is_err());

    // Later ones grow out of it: the witness has checked that.
    server.agent("mule");
    let size = eventually("a later head is cosigned", || {
        let head = trust.head(&text(&cosigned)?).unwrap();
        (head.size > first.size).then_some(head.size)
    });
    assert!(witness.size() >= size);
    let metrics = text(&format!("{}/metrics", server.url)).unwrap();
    assert!(!metrics.contains("sayso_witness_failures_total 0"), "the other one did not answer");

    // A server that starts again learns from the witness how far that has got.
    let server = server.kill_and_restart();
    server.agent("dog");
    eventually("a head after the restart is cosigned", || (witness.size() > size).then_some(()));
}

#[test]
fn a_witness_without_its_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let serve = ["--data", data, "serve", "--listen", "127.0.0.1:0", "--witness", "http://w"];
    let output = crate::server::sayso().args(serve).output().unwrap();
    assert!(!output.status.success());
    let log = SigningKey::of_log(&[1; 32]).public().to_string();
    let output = crate::server::sayso().args(serve).args(["--witness-key", &log]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("does not cosign"), "{said}");
}
