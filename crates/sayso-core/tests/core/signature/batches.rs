use sayso_core::Digest;
use sayso_core::signature::{BadBatch, BadProof, Batch, Domain, PersonKey, Proof, Signature};
use serde_json::json;

use super::authenticator::Authenticator;

fn statements(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|one| vec![one]).collect()
}

fn batch(statements: &[Vec<u8>]) -> Batch {
    Batch::new(statements.iter().map(|bytes| Digest::of(bytes)).collect()).unwrap()
}

fn key() -> PersonKey {
    PersonKey::Passkey(Authenticator::p256(1).passkey())
}

/// The key's proof over these bytes.
fn proof(domain: Domain, bytes: &[u8]) -> Proof {
    Proof::Passkey(Authenticator::p256(1).sign(domain.challenge(bytes).as_bytes()))
}

#[test]
fn one_signature_stands_for_each_statement_of_its_batch_and_for_no_other() {
    let all = statements(10);
    let batch = batch(&all);
    let proof = proof(Domain::Batch, &batch.bytes());
    let signature = Signature { proof, batch: Some(batch) };
    for statement in &all {
        assert_eq!(signature.verify(&key(), statement), Ok(()));
    }
    assert_eq!(signature.verify(&key(), b"other"), Err(BadProof::NotInBatch));
}

#[test]
fn a_statement_put_into_a_batch_afterwards_is_not_signed() {
    let signed = batch(&statements(2));
    let proof = proof(Domain::Batch, &signed.bytes());
    let signature = Signature { proof, batch: Some(batch(&statements(3))) };
    for statement in statements(3) {
        assert_eq!(signature.verify(&key(), &statement), Err(BadProof::Challenge));
    }
}

#[test]
fn a_batch_is_no_statement_and_a_statement_no_batch() {
    let batch = batch(&statements(1));
    let bytes = batch.bytes();
    let as_statement = Signature::alone(proof(Domain::Batch, &bytes));
    assert_eq!(as_statement.verify(&key(), &bytes), Err(BadProof::Challenge));
    // A person was made to sign a statement that spells a batch.
    let proof = proof(Domain::Decision, &bytes);
    let as_batch = Signature { proof, batch: Some(batch) };
    assert_eq!(as_batch.verify(&key(), &[0]), Err(BadProof::Challenge));
}

#[test]
fn at_most_ten_are_signed_at_once_and_each_once() {
    let digests = |count| statements(count).iter().map(|bytes| Digest::of(bytes)).collect();
    assert_eq!(Batch::new(digests(0)), Err(BadBatch::Count(0)));
    assert_eq!(Batch::new(digests(11)), Err(BadBatch::Count(11)));
    assert_eq!(Batch::new(vec![Digest::of(b""); 2]), Err(BadBatch::Twice));

    let one = Digest::of(b"");
    for (text, fits) in [
        (json!({ "v": 1, "statements": [one] }), true),
        (json!({ "v": 2, "statements": [one] }), false),
        (json!({ "v": 1, "statements": [] }), false),
        (json!({ "v": 1, "statements": [one, one] }), false),
        (json!({ "v": 1, "statements": [one], "more": 1 }), false),
    ] {
        assert_eq!(serde_json::from_value::<Batch>(text.clone()).is_ok(), fits, "{text}");
    }
}

#[test]
fn a_signature_alone_is_over_the_statement() {
    let signature = Signature::alone(proof(Domain::Decision, b"statement"));
    assert_eq!(signature.verify(&key(), b"statement"), Ok(()));
    assert_eq!(signature.verify(&key(), b"other"), Err(BadProof::Challenge));
    let written = serde_json::to_value(&signature).unwrap();
    assert_eq!(written.as_object().unwrap().len(), 1, "{written}");
    assert_eq!(serde_json::from_value::<Signature>(written).unwrap(), signature);
}
