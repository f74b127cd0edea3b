//! The test vectors that `WebAuthn` Level 3 publishes (section 16).
//!
//! Some of them were made without the person being verified, which we always demand; or by
//! algorithms that we don't take. They must be refused for just that.

use serde::Deserialize;

use sayso_core::signature::{Assertion, BadKey, BadProof, Registration, RelyingParty};

#[derive(Deserialize)]
struct Vector {
    name: String,
    registration: Registered,
    assertion: Asserted,
}

#[derive(Deserialize)]
struct Registered {
    challenge: String,
    client_data_json: String,
    attestation_object: String,
}

#[derive(Deserialize)]
struct Asserted {
    challenge: String,
    client_data_json: String,
    authenticator_data: String,
    signature: String,
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors/webauthn.json")).unwrap()
}

fn rp() -> RelyingParty {
    RelyingParty::new("example.org", &["https://example.org"]).unwrap()
}

const VERIFIED: u8 = 4;

/// Says in the registration that the person was verified: nothing there is signed by a key that
/// counts.
fn registered(
    vector: &Vector,
    force_verified: bool,
) -> Result<sayso_core::signature::Passkey, BadProof> {
    let made = &vector.registration;
    let mut object = bytes(&made.attestation_object);
    if force_verified {
        let hash = sayso_core::Digest::of(b"example.org");
        let at = object.windows(32).position(|part| part == hash.as_bytes()).unwrap();
        object[at + 32] |= VERIFIED;
    }
    let client_data_json = bytes(&made.client_data_json).into();
    Registration { attestation_object: object.into(), client_data_json }
        .passkey(&bytes(&made.challenge), &rp())
        .map(|(passkey, _)| passkey)
}

fn asserted(vector: &Vector) -> Result<(), BadProof> {
    let made = &vector.assertion;
    let assertion = Assertion {
        authenticator_data: bytes(&made.authenticator_data).into(),
        client_data_json: bytes(&made.client_data_json).into(),
        signature: bytes(&made.signature).into(),
    };
    registered(vector, true)?.verify(&bytes(&made.challenge), &assertion).map(drop)
}

/// What comes of a vector, in a word.
fn word(outcome: Result<(), BadProof>) -> &'static str {
    match outcome {
        Ok(()) => "taken",
        Err(BadProof::NotVerified) => "not verified",
        Err(BadProof::CrossOrigin) => "cross-origin",
        Err(BadProof::Key(BadKey::Kind { .. })) => "kind of key",
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_published_ceremonies_are_judged_as_we_judge() {
    let outcomes: Vec<String> = vectors()
        .iter()
        .map(|vector| {
            let registration = word(registered(vector, false).map(drop));
            format!("{}: {registration}, {}", vector.name, word(asserted(vector)))
        })
        .collect();
    let expected = [
        "ES256 Credential with No Attestation: not verified, not verified",
        "ES256 Credential with Self Attestation: taken, not verified",
        "ES256 Credential with \"crossOrigin\": true in clientDataJSON: cross-origin, cross-origin",
        "ES256 Credential with \"topOrigin\" in clientDataJSON: cross-origin, cross-origin",
        "ES256 Credential with very long credential ID: not verified, taken",
        "Packed Attestation with ES256 Credential: taken, taken",
        "Packed Attestation with ES384 Credential: not verified, kind of key",
        "Packed Attestation with ES512 Credential: kind of key, kind of key",
        "Packed Attestation with RS256 Credential: kind of key, kind of key",
        "Packed Attestation with Ed25519 Credential: not verified, not verified",
        "Packed Attestation with Ed448 Credential: not verified, kind of key",
        "TPM Attestation with ES256 Credential: taken, taken",
        "Android Key Attestation with ES256 Credential: taken, not verified",
        "Apple Anonymous Attestation with ES256 Credential: not verified, not verified",
        "FIDO U2F Attestation with ES256 Credential: not verified, not verified",
    ];
    assert_eq!(outcomes, expected);
}
