use std::slice;

use sayso_core::signature::{
    Assertion, BadKey, BadProof, Base64Url, CoseKey, Domain, Passkey, PersonKey, Proof,
};
use serde_json::json;

use super::authenticator::{
    Authenticator, CREDENTIAL, EXTENSIONS, IS_SYNCED, MAY_BE_SYNCED, ORIGIN, PRESENT, VERIFIED,
    relying_party,
};

const STATEMENT: &[u8] = br#"{"decision":"approve"}"#;

/// What a signature by `liar` over the statement is taken for, held against an honest key.
fn held(liar: &Authenticator) -> Result<(), BadProof> {
    let challenge = Domain::Decision.challenge(STATEMENT);
    verify(&honest(), liar.sign(challenge.as_bytes()))
}

fn verify(key: &Authenticator, assertion: Assertion) -> Result<(), BadProof> {
    PersonKey::Passkey(key.passkey()).verify(
        Domain::Decision,
        STATEMENT,
        &Proof::Passkey(assertion),
    )
}

fn honest() -> Authenticator {
    Authenticator::p256(1)
}

fn signed(key: &Authenticator) -> Assertion {
    key.sign(Domain::Decision.challenge(STATEMENT).as_bytes())
}

#[test]
fn an_honest_signature_is_proof_by_either_algorithm() {
    for key in [Authenticator::p256(1), Authenticator::ed25519(2)] {
        assert_eq!(verify(&key, signed(&key)), Ok(()));
    }
}

#[test]
fn it_proves_nothing_of_other_bytes_or_for_another_use() {
    let proof = Proof::Passkey(signed(&honest()));
    let key = PersonKey::Passkey(honest().passkey());
    let other_bytes = key.verify(Domain::Decision, br#"{"decision":"deny"}"#, &proof);
    assert_eq!(other_bytes, Err(BadProof::Challenge));
    assert_eq!(key.verify(Domain::Enrolment, STATEMENT, &proof), Err(BadProof::Challenge));
}

#[test]
fn a_challenge_spelled_with_padding_or_of_other_bits_is_another() {
    let challenge = Base64Url::from(&Domain::Decision.challenge(STATEMENT).as_bytes()[..]);
    for other in [format!("{challenge}="), format!("{challenge}A"), String::new()] {
        assert_eq!(held(&honest().claims("challenge", other)), Err(BadProof::Challenge));
    }
}

#[test]
fn a_registration_is_no_decision() {
    let wrong = held(&honest().claims("type", "webauthn.create"));
    assert!(matches!(wrong, Err(BadProof::Type { .. })), "{wrong:?}");
    assert!(matches!(held(&honest().claims("type", 7)), Err(BadProof::Malformed { .. })));
}

#[test]
fn what_was_signed_on_another_site_is_refused() {
    for origin in ["https://sayso.example.com.evil.org", "http://sayso.example.com", "null", ""] {
        let refused = held(&honest().claims("origin", origin));
        assert_eq!(refused, Err(BadProof::Origin(origin.into())));
    }
    assert_eq!(held(&honest().claims("crossOrigin", true)), Err(BadProof::CrossOrigin));
    assert_eq!(held(&honest().claims("crossOrigin", "false")), Err(BadProof::CrossOrigin));
    assert_eq!(held(&honest().claims("topOrigin", ORIGIN)), Err(BadProof::CrossOrigin));
    let elsewhere = Authenticator { rp: "evil.org", ..honest() };
    assert_eq!(held(&elsewhere), Err(BadProof::RelyingParty));
}

#[test]
fn what_the_browser_adds_later_does_no_harm() {
    assert_eq!(held(&honest().claims("later", json!({ "more": [1, 2] }))), Ok(()));
}

#[test]
fn somebody_must_have_been_there_and_been_verified() {
    let with = |flags| held(&Authenticator { flags, ..honest() });
    assert_eq!(with(VERIFIED), Err(BadProof::NotPresent));
    assert_eq!(with(PRESENT), Err(BadProof::NotVerified));
    assert_eq!(with(0), Err(BadProof::NotPresent));
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let with = |flags| held(&Authenticator { flags: PRESENT | VERIFIED | flags, ..honest() });
    assert_eq!(with(IS_SYNCED), Err(BadProof::Flags));
    assert_eq!(with(MAY_BE_SYNCED | IS_SYNCED), Ok(()));
    assert_eq!(with(CREDENTIAL), Err(BadProof::Flags));
    let early = BadProof::Malformed { part: "authenticator_data", why: "it ends early" };
    assert_eq!(with(EXTENSIONS), Err(early));
}

#[test]
fn authenticator_data_end_where_they_should() {
    let after = |flags, bytes: &[u8]| {
        let flags = PRESENT | VERIFIED | flags;
        held(&Authenticator { flags, extensions: bytes.to_vec(), ..honest() })
    };
    let trailing = BadProof::Malformed { part: "authenticator_data", why: "bytes follow its end" };
    assert_eq!(after(0, &[0]), Err(trailing.clone()));
    assert_eq!(after(EXTENSIONS, b"\xa1\x61x\x01"), Ok(()));
    assert_eq!(after(EXTENSIONS, b"\xa1\x61x\x01\x00"), Err(trailing));

    let whole = signed(&honest());
    let data = whole.authenticator_data.as_bytes();
    for length in 0..data.len() {
        let cut = honest().sign_over(&data[..length], whole.client_data_json.as_bytes());
        assert!(matches!(verify(&honest(), cut), Err(BadProof::Malformed { .. })), "{length}");
    }
}

#[test]
fn a_name_given_twice_to_the_browser_is_refused() {
    let whole = signed(&honest());
    let text = String::from_utf8(whole.client_data_json.as_bytes().to_vec()).unwrap();
    let bad = |text: &str| {
        let data = whole.authenticator_data.as_bytes();
        verify(&honest(), honest().sign_over(data, text.as_bytes()))
    };
    assert_eq!(bad(&text), Ok(()));
    let twice = text.replacen('{', r#"{"origin":"https://evil.org","#, 1);
    for other in [twice, format!("{text}{text}"), format!("[{text}]"), String::new()] {
        assert!(matches!(bad(&other), Err(BadProof::Malformed { .. })), "{other}");
    }
}

#[test]
fn another_keys_signature_is_no_proof() {
    assert_eq!(held(&Authenticator::p256(9)), Err(BadProof::Signature));
    assert_eq!(held(&Authenticator::ed25519(1)), Err(BadProof::Signature));
    let ed25519 = Authenticator::ed25519(2);
    assert_eq!(verify(&ed25519, signed(&Authenticator::ed25519(3))), Err(BadProof::Signature));
    assert_eq!(verify(&ed25519, signed(&honest())), Err(BadProof::Signature));
}

#[test]
fn every_bit_of_what_was_signed_matters() {
    for key in [Authenticator::p256(1), Authenticator::ed25519(2)] {
        let whole = signed(&key);
        let flipped = |bytes: &Base64Url, bit: usize| {
            let mut bytes = bytes.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Base64Url::from(bytes)
        };
        for bit in 0..whole.authenticator_data.as_bytes().len() * 8 {
            let authenticator_data = flipped(&whole.authenticator_data, bit);
            assert!(verify(&key, Assertion { authenticator_data, ..whole.clone() }).is_err());
        }
        for bit in 0..whole.client_data_json.as_bytes().len() * 8 {
            let client_data_json = flipped(&whole.client_data_json, bit);
            assert!(verify(&key, Assertion { client_data_json, ..whole.clone() }).is_err());
        }
        for bit in 0..whole.signature.as_bytes().len() * 8 {
            let signature = flipped(&whole.signature, bit);
            assert!(verify(&key, Assertion { signature, ..whole.clone() }).is_err());
        }
    }
}

#[test]
fn signatures_of_nothing_and_of_another_form_are_refused() {
    let zero_der = b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec();
    let forged = |key: &Authenticator, signature: Vec<u8>| {
        verify(key, Assertion { signature: signature.into(), ..signed(key) })
    };
    let (p256, ed25519) = (honest(), Authenticator::ed25519(2));
    let der = signed(&p256).signature;
    let raw = p256::ecdsa::Signature::from_der(der.as_bytes()).unwrap().to_bytes().to_vec();
    for bytes in [vec![], vec![0; 64], zero_der, raw, [der.as_bytes(), &[0]].concat()] {
        assert_eq!(forged(&p256, bytes), Err(BadProof::Signature));
    }
    // A signature with the neutral point and 0 fits every message under a key of small order.
    let mut neutral = vec![0; 64];
    neutral[0] = 1;
    for bytes in [vec![], vec![0; 64], neutral] {
        assert_eq!(forged(&ed25519, bytes), Err(BadProof::Signature));
    }
}

#[test]
fn an_ed25519_signature_has_one_spelling() {
    let key = Authenticator::ed25519(2);
    let whole = signed(&key);
    // s + the group's order: fits the equation as well, and would be a second signature.
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut bytes = whole.signature.as_bytes().to_vec();
    let mut carry = 0;
    for (byte, more) in bytes[32..].iter_mut().zip(order.unwrap()) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let signature = Base64Url::from(bytes);
    assert_eq!(verify(&key, Assertion { signature, ..whole }), Err(BadProof::Signature));
}

#[test]
fn keys_whose_signatures_prove_nothing_are_refused() {
    let ed25519 = |x: [u8; 32]| {
        CoseKey::read(&[&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], &x].concat())
    };
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(ed25519(neutral).unwrap_err(), BadKey::Point);
    assert_eq!(ed25519([0; 32]).unwrap_err(), BadKey::Point);
    let mut off_curve = honest().cose();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(CoseKey::read(&off_curve).unwrap_err(), BadKey::Point);
}

#[test]
fn a_key_is_of_the_algorithm_that_it_says() {
    let cose = honest().cose();
    // ES256's key named as EdDSA, ES384, ES256 on another curve, and RS256's kind.
    for (at, byte) in [(4, 0x27), (4, 0x38), (6, 2), (2, 3), (2, 1)] {
        let mut other = cose.clone();
        other[at] = byte;
        assert!(CoseKey::read(&other).is_err(), "{at} {byte}");
    }
    let more = [&[0xa6], &cose[1..], &[0x24, 0x01]].concat();
    assert!(matches!(CoseKey::read(&more), Err(BadKey::NotCose(_))));
    assert!(matches!(CoseKey::read(&[&cose[..], &[0]].concat()), Err(BadKey::NotCose(_))));
    for length in 0..cose.len() {
        assert!(CoseKey::read(&cose[..length]).is_err(), "{length}");
    }
}

#[test]
fn what_is_too_large_is_not_looked_at() {
    let large = |part, limit| Err(BadProof::TooLarge { part, limit });
    let data = "x".repeat(4096);
    assert_eq!(held(&honest().claims("more", data)), large("client_data_json", 4096));
    let flags = PRESENT | VERIFIED | EXTENSIONS;
    let padded = Authenticator { flags, extensions: vec![0; 4096], ..honest() };
    assert_eq!(held(&padded), large("authenticator_data", 4096));
    let signature = Base64Url::from(vec![0x30; 129]);
    assert_eq!(
        verify(&honest(), Assertion { signature, ..signed(&honest()) }),
        large("signature", 128)
    );
}

#[test]
fn a_counter_is_reported_and_a_synced_passkey_may_stay_at_none() {
    for (counter, flags) in [(0, MAY_BE_SYNCED | IS_SYNCED), (41, 0)] {
        let key = Authenticator { counter, flags: PRESENT | VERIFIED | flags, ..honest() };
        let used = key.passkey().verify(&[7; 32], &key.sign(&[7; 32])).unwrap();
        assert_eq!((used.counter, used.may_be_synced), (counter, flags != 0));
    }
}

#[test]
fn a_passkey_that_was_registered_logs_in_with_its_challenge_only() {
    for maker in [Authenticator::p256(1), Authenticator::ed25519(2)] {
        let made = maker.register(&[1; 32]);
        let (passkey, _) = made.passkey(&[1; 32], &relying_party()).unwrap();
        assert_eq!(passkey, maker.passkey());
        assert!(passkey.verify(&[2; 32], &maker.sign(&[2; 32])).is_ok());
        let replayed = passkey.verify(&[3; 32], &maker.sign(&[2; 32]));
        assert_eq!(replayed, Err(BadProof::Challenge));
        // The domain tag keeps a login from being a decision, as long as challenges are ours.
        assert!(verify(&maker, maker.sign(&[2; 32])).is_err());
    }
}

#[test]
fn a_registration_is_checked_like_a_signature() {
    let make = |liar: &Authenticator| {
        liar.register(&[1; 32]).passkey(&[1; 32], &relying_party()).map(drop)
    };
    assert_eq!(make(&honest()), Ok(()));
    let replayed = honest().register(&[2; 32]).passkey(&[1; 32], &relying_party());
    assert_eq!(replayed.map(drop), Err(BadProof::Challenge));
    assert!(matches!(
        make(&honest().claims("type", "payment.get")),
        Err(BadProof::Type { wanted: "webauthn.create", .. })
    ));
    assert!(matches!(
        make(&honest().claims("origin", "https://evil.org")),
        Err(BadProof::Origin(_))
    ));
    assert_eq!(make(&honest().claims("crossOrigin", true)), Err(BadProof::CrossOrigin));
    assert_eq!(make(&Authenticator { rp: "evil.org", ..honest() }), Err(BadProof::RelyingParty));
    assert_eq!(make(&Authenticator { flags: PRESENT, ..honest() }), Err(BadProof::NotVerified));
    assert_eq!(make(&Authenticator { flags: VERIFIED, ..honest() }), Err(BadProof::NotPresent));
    for credential in [vec![], vec![0; 1024]] {
        let refused = make(&Authenticator { credential, ..honest() });
        assert_eq!(refused, Err(BadProof::Key(BadKey::CredentialId)));
    }
}

#[test]
fn a_registration_that_ends_early_or_goes_on_is_refused() {
    let make = |data: &[u8]| {
        honest().register_with(&[1; 32], data).passkey(&[1; 32], &relying_party()).map(drop)
    };
    let whole = honest().attested();
    assert_eq!(make(&whole), Ok(()));
    for length in 0..whole.len() {
        assert!(make(&whole[..length]).is_err(), "{length}");
    }
    assert!(make(&[&whole[..], &[0]].concat()).is_err());

    let made = honest().register(&[1; 32]);
    let object = made.attestation_object.as_bytes();
    let read = |object: &[u8]| {
        let made = sayso_core::signature::Registration {
            attestation_object: object.into(),
            ..made.clone()
        };
        made.passkey(&[1; 32], &relying_party())
    };
    assert!(read(object).is_ok());
    assert!(read(&[object, &[0]].concat()).is_err());
    for length in 0..object.len() {
        assert!(read(&object[..length]).is_err(), "{length}");
    }
    // Members given twice, and another in place of one.
    let format = b"\x63fmt\x64none".as_slice();
    let rest = &object[1 + format.len()..];
    assert!(read(&[&[0xa4], format, format, rest].concat()).is_err());
    assert!(read(&[b"\xa3\x63fmx\x64none".as_slice(), rest].concat()).is_err());
}

#[test]
fn a_key_and_its_proof_survive_being_written_and_have_one_spelling() {
    let key = PersonKey::Passkey(honest().passkey());
    let text = serde_json::to_value(&key).unwrap();
    assert_eq!(serde_json::from_value::<PersonKey>(text.clone()).unwrap(), key);
    assert_eq!(serde_json::from_value::<PersonKey>(text.clone()).unwrap().id(), key.id());
    let proof = Proof::Passkey(signed(&honest()));
    let written = serde_json::to_value(&proof).unwrap();
    assert_eq!(serde_json::from_value::<Proof>(written).unwrap(), proof);

    for (member, value) in [
        ("more", json!(1)),
        ("credential", json!("=")),
        ("credential", json!("")),
        ("public_key", json!("AA")),
        ("relying_party", json!({ "id": "sayso.example.com", "origins": [ORIGIN, ORIGIN] })),
        ("relying_party", json!({ "id": "sayso.example.com", "origins": ["http://evil.org"] })),
    ] {
        let mut other = text.clone();
        other[member] = value;
        assert!(serde_json::from_value::<PersonKey>(other).is_err(), "{member}");
    }
}

#[test]
fn keys_that_differ_in_anything_have_other_ids() {
    let passkey = honest().passkey();
    let (credential, key, rp) =
        (passkey.credential().clone(), passkey.public_key().clone(), relying_party());
    let id = |credential: &Base64Url, key: &CoseKey, origins: &[&str]| {
        let rp = sayso_core::signature::RelyingParty::new(rp.id(), origins).unwrap();
        PersonKey::Passkey(Passkey::new(credential.clone(), key.clone(), rp).unwrap()).id()
    };
    let own = slice::from_ref(&ORIGIN);
    let first = id(&credential, &key, own);
    assert_ne!(first, id(&Base64Url::from(&b"other"[..]), &key, own));
    assert_ne!(first, id(&credential, Authenticator::p256(2).passkey().public_key(), own));
    assert_ne!(first, id(&credential, &key, &[ORIGIN, "https://sayso.example.com:8443"]));
}
