//! Bytes from anywhere: refused, never a panic.

use proptest::prelude::*;
use serde_json::json;

use sayso_core::signature::{
    Assertion, Base64Url, CoseKey, Domain, PersonKey, Proof, Registration, SshKey, SshSignature,
};

use super::authenticator::{Authenticator, ORIGIN, relying_party};

/// Bytes that are now and then close to what is expected.
fn close_to(honest: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = honest.len();
    let changed =
        (any::<Vec<(prop::sample::Index, u8)>>(), 0..=length).prop_map(move |(changes, cut)| {
            let mut bytes = honest.clone();
            for (at, byte) in changes.into_iter().take(3) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.max(bytes.len() / 2));
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), changed]
}

fn authenticator() -> Authenticator {
    Authenticator::p256(1)
}

proptest! {
    #[test]
    fn strange_passkeys_and_assertions_are_refused(
        cose in close_to(authenticator().cose()),
        authenticator_data in close_to(authenticator().attested()),
        signature in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = CoseKey::read(&cose);
        let client_data_json = json!({
            "type": "webauthn.get",
            "challenge": Base64Url::from(&[7; 32][..]).to_string(),
            "origin": ORIGIN,
        });
        let assertion = Assertion {
            authenticator_data: authenticator_data.into(),
            client_data_json: client_data_json.to_string().into_bytes().into(),
            signature: signature.into(),
        };
        prop_assert!(authenticator().passkey().verify(&[7; 32], &assertion).is_err());
    }

    #[test]
    fn strange_registrations_are_read_or_refused(
        object in close_to(authenticator().register(&[1; 32]).attestation_object.as_bytes().to_vec()),
        data in close_to(authenticator().attested()),
    ) {
        let honest = authenticator().register(&[1; 32]);
        let strange = Registration { attestation_object: object.into(), ..honest };
        let _ = strange.passkey(&[1; 32], &relying_party());
        let strange = authenticator().register_with(&[1; 32], &data);
        let _ = strange.passkey(&[1; 32], &relying_party());
    }

    #[test]
    fn strange_ssh_keys_and_signatures_are_refused(
        key in close_to(super::ssh::ED25519_BLOB.to_vec()),
        signature in close_to(super::ssh::signature_blob()),
    ) {
        let line = |bytes: &[u8]| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(bytes)
        };
        let _ = format!("ssh-ed25519 {}", line(&key)).parse::<SshKey>();
        let _ = serde_json::from_value::<PersonKey>(json!({ "kind": "ssh", "public_key": line(&key) }));
        let armoured = super::ssh::armour(&signature);
        let proof = Proof::Ssh(SshSignature { signature: armoured });
        let known = PersonKey::Ssh(super::ssh::stored("ed25519").key);
        prop_assert!(known.verify(Domain::Decision, b"other bytes", &proof).is_err());
    }
}
