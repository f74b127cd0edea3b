//! Confirmation keys: a proof is good for one request, one permit, about now, and by its own key.

use jiff::Timestamp;
use sayso_core::confirmation::{
    BadJwk, BadProof, ConfirmationKey, Jwk, PROOF_AHEAD, PROOF_LASTS, Request, Thumbprint, check,
};
use sayso_core::signature::Base64Url;
use sayso_core::{Digest, Period};
use serde_json::{Value, json};

const URI: &str = "https://sayso.example.com/v1/permits/redeem";
const REQUEST: Request<'_> = Request { method: "POST", uri: URI, permit: "a.b.c" };
const SECOND: Period = Period::from_secs(1);

/// The key of RFC 7517, appendix A.2.
const P256: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"enc","kid":"1"}"#;
/// The key of RFC 8037, appendices A.1 to A.3.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

fn keys() -> [ConfirmationKey; 2] {
    [P256, ED25519].map(|key| ConfirmationKey::parse(key).unwrap())
}

/// The proof with its header or claims changed, and signed by nobody anew.
fn changed(proof: &str, part: usize, change: impl Fn(&mut Value)) -> String {
    let mut parts: Vec<String> = proof.split('.').map(str::to_owned).collect();
    let bytes: Base64Url = parts[part].parse().unwrap();
    let mut value = serde_json::from_slice(bytes.as_bytes()).unwrap();
    change(&mut value);
    parts[part] = Base64Url::from(value.to_string().into_bytes()).to_string();
    parts.join(".")
}

#[test]
fn thumbprints_are_those_of_the_standards() {
    let of = |key: &str| ConfirmationKey::parse(key).unwrap().public().thumbprint().unwrap();
    assert_eq!(of(ED25519).to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let p256 = of(P256).to_string();
    let required = r#"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
    let expected = Base64Url::from(Digest::of(required.as_bytes()).as_bytes().as_slice());
    assert_eq!(p256, expected.to_string());
    assert_eq!(p256.parse::<Thumbprint>().unwrap().to_string(), p256);
    assert!("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4".parse::<Thumbprint>().is_err());
}

#[test]
fn a_key_proves_itself_for_its_request() {
    for key in keys() {
        let proof = key.prove(&REQUEST, "id", now());
        assert_eq!(check(&proof, &REQUEST, now()), Ok(key.public().thumbprint().unwrap()));
        let again = ConfirmationKey::parse(&key.reveal()).unwrap();
        assert_eq!(again.public(), key.public());
    }
}

#[test]
fn a_proof_for_another_request_or_permit_is_refused() {
    for key in keys() {
        let proof = key.prove(&REQUEST, "id", now());
        let others = [
            ("htm", Request { method: "PUT", ..REQUEST }),
            ("htu", Request { uri: "https://evil.example.com/v1/permits/redeem", ..REQUEST }),
            ("ath", Request { permit: "a.b.d", ..REQUEST }),
        ];
        for (wrong, request) in others {
            let refused = check(&proof, &request, now());
            assert!(
                matches!(refused, Err(BadProof::Misfit { claim, .. }) if claim == wrong),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn a_proof_is_good_for_a_minute() {
    let [key, _] = keys();
    let proof = key.prove(&REQUEST, "id", now());
    let before = |period: Period| now() - std::time::Duration::from(period);
    assert!(check(&proof, &REQUEST, PROOF_LASTS.after(now())).is_ok());
    let late = check(&proof, &REQUEST, PROOF_LASTS.plus(SECOND).after(now()));
    assert_eq!(late, Err(BadProof::Time));
    assert!(check(&proof, &REQUEST, before(PROOF_AHEAD)).is_ok());
    let early = check(&proof, &REQUEST, before(PROOF_AHEAD.plus(SECOND)));
    assert_eq!(early, Err(BadProof::Time));
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let [key, other] = keys();
    let proof = key.prove(&REQUEST, "id", now());
    let public = serde_json::to_value(other.public()).unwrap();
    let cases = [
        changed(&proof, 1, |claims| claims["jti"] = json!("another")),
        changed(&proof, 0, |header| header["jwk"]["x"] = header["jwk"]["y"].clone()),
        changed(&proof, 0, |header| header["alg"] = json!("none")),
        changed(&proof, 0, |header| header["alg"] = json!("HS256")),
        changed(&proof, 0, |header| header["alg"] = json!("EdDSA")),
        changed(&proof, 0, |header| header["typ"] = json!("JWT")),
        changed(&proof, 0, |header| header["crit"] = json!(["exp"])),
        changed(&proof, 0, |header| header["jwk"] = public.clone()),
        changed(&proof, 0, |header| {
            (header["jwk"], header["alg"]) = (public.clone(), json!("EdDSA"));
        }),
    ];
    for case in cases {
        assert!(check(&case, &REQUEST, now()).is_err(), "{case}");
    }
    for length in 0..proof.len() {
        assert!(check(&proof[..length], &REQUEST, now()).is_err(), "{length}");
    }
}

#[test]
fn half_a_key_or_a_key_of_another_kind_is_not_taken() {
    let with_private = Jwk::parse(ED25519);
    assert!(matches!(with_private, Err(BadJwk::Half(_))), "{with_private:?}");
    let public =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert!(Jwk::parse(public).is_ok());
    assert!(matches!(ConfirmationKey::parse(public), Err(BadJwk::Half(_))));
    for other in [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}"#,
    ] {
        assert_eq!(Jwk::parse(other), Err(BadJwk::Kind), "{other}");
    }
    // A point of small order verifies signatures that nobody made.
    let weak = r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    assert_eq!(Jwk::parse(weak), Err(BadJwk::Point));
    let halves = ED25519.replace("nWGx", "mWGx");
    assert!(matches!(ConfirmationKey::parse(&halves), Err(BadJwk::Halves)));
}
