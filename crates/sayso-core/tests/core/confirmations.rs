//! Confirmation keys: a proof is good for one request, one permit, about now, and by its own key.

use ed25519_dalek::{Signer as _, SigningKey};
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

/// A proof in exactly these words, signed by the Ed25519 key.
fn worded(header: &str, claims: &str) -> String {
    let secret: Value = serde_json::from_str(ED25519).unwrap();
    let secret: Base64Url = secret["d"].as_str().unwrap().parse().unwrap();
    let secret = SigningKey::from_bytes(secret.as_bytes().try_into().unwrap());
    let part = |text: &str| Base64Url::from(text.as_bytes()).to_string();
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = secret.sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", Base64Url::from(&signature[..]))
}

#[test]
fn a_proof_says_all_that_it_must_and_in_these_words_though_it_is_signed() {
    let public = serde_json::to_value(keys()[1].public()).unwrap();
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": public});
    let ath = Base64Url::from(Digest::of(REQUEST.permit.as_bytes()).as_bytes().as_slice());
    let claims = json!({"jti": "id", "htm": "POST", "htu": URI, "ath": ath.to_string(),
                        "iat": now().as_second()});
    let checked = |header: &str, claims: &str| check(&worded(header, claims), &REQUEST, now());
    let (good, said) = (header.to_string(), claims.to_string());
    assert!(checked(&good, &said).is_ok());
    for claim in ["jti", "htm", "htu", "ath", "iat"] {
        let mut fewer = claims.clone();
        fewer.as_object_mut().unwrap().remove(claim);
        assert!(checked(&good, &fewer.to_string()).is_err(), "without {claim}");
    }
    let hex = Digest::of(REQUEST.permit.as_bytes()).to_string();
    let padded = format!("{ath}=");
    let odd = [
        ("jti", json!("")),
        ("jti", json!("x".repeat(257))),
        ("jti", json!(7)),
        ("htm", json!("post")),
        ("htm", json!(["POST"])),
        ("htu", json!(format!("{URI}/"))),
        ("htu", json!(format!("{URI}?x=1"))),
        ("htu", json!(format!("{URI}#x"))),
        ("htu", json!(URI.replace("https", "http"))),
        ("htu", json!(URI.replace("sayso", "SAYSO"))),
        ("htu", json!(URI.replace(".com", ".com:443"))),
        ("htu", json!("/v1/permits/redeem")),
        ("ath", json!(hex)),
        ("ath", json!(padded)),
        ("ath", Value::Null),
        ("iat", json!(now().to_string())),
        ("iat", json!(now().as_millisecond())),
        ("iat", json!(1.5)),
        ("iat", json!(-1)),
        ("iat", json!(i64::MAX.to_string())),
    ];
    for (claim, value) in odd {
        let mut other = claims.clone();
        other[claim] = value.clone();
        assert!(checked(&good, &other.to_string()).is_err(), "{claim}: {value}");
    }
    let twice = said.replacen('{', r#"{"htm":"POST","#, 1);
    assert!(checked(&good, &twice).is_err(), "a claim twice");
    let odd = [
        ("typ", json!("JWT")),
        ("typ", json!("DPOP+JWT")),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("Ed25519")),
        ("jwk", Value::Null),
        ("jwk", serde_json::from_str(ED25519).unwrap()),
        ("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
        ("kid", json!("1")),
        ("crit", json!(["exp"])),
        ("jku", json!("https://evil.example/keys")),
    ];
    for (member, value) in odd {
        let mut other = header.clone();
        other[member] = value.clone();
        assert!(checked(&other.to_string(), &said).is_err(), "{member}: {value}");
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
