//! Notes, heads, and whose signatures count.

use sayso_ledger::note::Algorithm;
use sayso_ledger::trust::{Distrusted, Trust};
use sayso_ledger::{Checkpoint, Digest, SigningKey, VerifyingKey};

/// The key and note that Go's `sumdb/note` documents.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn the_published_note_verifies_and_a_changed_one_does_not() {
    let key: VerifyingKey = VKEY.parse().unwrap();
    assert_eq!(key.to_string(), VKEY);
    assert_eq!(key.check(&NOTE.parse().unwrap()), Ok(None));
    let changed = NOTE.replace("the answer", "no answer");
    assert!(key.check(&changed.parse().unwrap()).is_err());
}

fn head(key: &SigningKey) -> Checkpoint {
    Checkpoint { origin: key.public().name().into(), size: 3, root: Digest::of(b"root") }
}

#[test]
fn a_signing_key_reads_back_as_it_was_kept() {
    let key = SigningKey::of_log(&[1; 32]);
    let again: SigningKey = key.reveal().parse().unwrap();
    assert_eq!(again.public(), key.public());
    assert!(!format!("{key:?}").contains(&key.reveal()));
}

#[test]
fn only_heads_of_trusted_logs_are_believed() {
    let (ours, other) = (SigningKey::of_log(&[1; 32]), SigningKey::of_log(&[2; 32]));
    let trust = Trust::in_log(ours.public().clone());
    assert_eq!(trust.head(&head(&ours).sign(&ours)), Ok(head(&ours)));
    assert!(matches!(trust.head(&head(&other).sign(&other)), Err(Distrusted::Stranger(_))));
    // Another's signature under our name, and our signature under another size.
    assert!(matches!(trust.head(&head(&ours).sign(&other)), Err(Distrusted::Note(_))));
    let resized = head(&ours).sign(&ours).replace("\n3\n", "\n4\n");
    assert!(matches!(trust.head(&resized), Err(Distrusted::Note(_))));
}

#[test]
fn a_quorum_of_witnesses_is_counted_by_groups() {
    let log = SigningKey::of_log(&[1; 32]);
    let witness = |name, seed| SigningKey::new(name, &[seed; 32], Algorithm::Cosignature).unwrap();
    let witnesses = [witness("wanda", 3), witness("walter", 4), witness("wilma", 5)];
    let mut text = format!("log {}\n", log.public());
    for key in &witnesses {
        text.push_str(&format!("witness {} {}\n", key.public().name(), key.public()));
    }
    text.push_str("group two 2 wanda walter wilma # two of three\nquorum two\n");
    let trust = Trust::parse(&text).unwrap();
    let note = head(&log).sign(&log);
    let cosigned = |keys: &[SigningKey]| {
        let lines: String = keys.iter().map(|key| key.sign(&head(&log).to_string(), 9)).collect();
        trust.head(&format!("{note}{lines}"))
    };
    assert_eq!(cosigned(&witnesses[..1]), Err(Distrusted::Quorum("two".into())));
    assert_eq!(cosigned(&witnesses[1..]), Ok(head(&log)));
    let twice = [witnesses[0].clone(), witnesses[0].clone()];
    assert_eq!(cosigned(&twice), Err(Distrusted::Quorum("two".into())));
}

#[test]
fn a_trust_file_that_is_not_in_order_is_refused_by_its_line() {
    let refused = |text| Trust::parse(text).unwrap_err().to_string();
    assert!(refused("\nquorum nobody\n").starts_with("line 2: \"nobody\""));
    assert!(refused("log x\n").starts_with("line 1: not a key"));
    assert!(refused("lok x\n").starts_with("line 1: \"lok\""));
}
