//! `sayso ledger`: what an auditor has of it.

use std::path::Path;

use serde_json::Value;

use crate::server::sayso;

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
