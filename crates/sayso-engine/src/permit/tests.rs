use super::*;

fn keys() -> PermitKeys {
    PermitKeys::new(&[1; 32], "http://127.0.0.1:7717")
}

fn now() -> Timestamp {
    Timestamp::from_second(100).unwrap()
}

fn claims() -> Claims {
    let id = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071".parse().unwrap();
    Claims {
        iss: "http://127.0.0.1:7717".into(),
        aud: "gateway".parse().unwrap(),
        sub: "bot".parse().unwrap(),
        jti: id,
        esc: id,
        dig: Digest::of(b"action"),
        tool: "git_merge".parse().unwrap(),
        tier: Tier::Hard,
        basis: Basis::Decision,
        pol: Digest::of(b"policy"),
        dec: vec![Digest::of(b"statement")],
        cnf: None,
        iat: 1,
        nbf: 1,
        exp: 601,
    }
}

fn json_of(claims: &Claims) -> Value {
    serde_json::to_value(claims).unwrap()
}

/// Signed by that key, whatever the header says.
fn forged(key: &PermitKeys, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.signs.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[test]
fn a_permit_verifies_with_its_own_key_only() {
    let permit = keys().sign(&json_of(&claims()));
    assert_eq!(keys().verify(&permit, now()), Ok(claims()));
    let other = PermitKeys::new(&[2; 32], "http://127.0.0.1:7717");
    assert_eq!(other.verify(&permit, now()), Err(BadPermit::Header));
}

#[test]
fn what_another_key_signed_in_our_keys_name_is_refused() {
    let header = json!({"alg": "EdDSA", "kid": keys().known[0].kid, "typ": TYP});
    let other = PermitKeys::new(&[2; 32], "http://127.0.0.1:7717");
    let permit = forged(&other, &header, &json_of(&claims()));
    assert_eq!(keys().verify(&permit, now()), Err(BadPermit::Signature));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let permit = keys().sign(&json_of(&claims()));
    let other = keys().sign(&json_of(&Claims { tool: "rm".parse().unwrap(), ..claims() }));
    let parts: Vec<_> = permit.split('.').collect();
    let swapped = [parts[0], other.split('.').nth(1).unwrap(), parts[2]].join(".");
    assert_eq!(keys().verify(&swapped, now()), Err(BadPermit::Signature));
}

#[test]
fn no_other_algorithm_or_type_is_negotiated_and_no_crit_is_overlooked() {
    let kid = keys().known[0].kid.clone();
    let headers = [
        json!({"alg": "none", "kid": kid, "typ": TYP}),
        json!({"alg": "HS256", "kid": kid, "typ": TYP}),
        json!({"alg": "ES256", "kid": kid, "typ": TYP}),
        json!({"alg": "EdDSA", "kid": kid, "typ": "JWT"}),
        json!({"alg": "EdDSA", "kid": kid}),
        json!({"alg": "EdDSA", "typ": TYP}),
        json!({"alg": "EdDSA", "kid": kid, "typ": TYP, "crit": ["exp"]}),
        json!({"alg": "EdDSA", "kid": kid, "typ": TYP, "jwk": {"kty": "OKP"}}),
    ];
    for header in headers {
        let permit = forged(&keys(), &header, &json_of(&claims()));
        assert_eq!(keys().verify(&permit, now()), Err(BadPermit::Header), "{header}");
    }
    // The public key as the secret of a MAC is the classic of its kind; without a signature, too.
    let bare = keys().sign(&json_of(&claims()));
    let bare = bare.rsplit_once('.').unwrap().0;
    assert_eq!(keys().verify(&format!("{bare}."), now()), Err(BadPermit::Malformed));
}

#[test]
fn a_claim_too_many_or_too_few_is_refused_though_it_is_signed() {
    let mut more = json_of(&claims());
    more["scope"] = json!("everything");
    let mut fewer = json_of(&claims());
    fewer.as_object_mut().unwrap().remove("nbf");
    let mut unbound = json_of(&claims());
    unbound["cnf"] = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    for claims in [more, fewer, unbound] {
        let refused = keys().verify(&keys().sign(&claims), now());
        assert!(matches!(refused, Err(BadPermit::Claims(_))), "{claims}: {refused:?}");
    }
}

#[test]
fn nothing_shorter_or_longer_than_a_permit_is_one() {
    let permit = keys().sign(&json_of(&claims()));
    for length in 0..permit.len() {
        assert!(keys().verify(&permit[..length], now()).is_err(), "{length}");
    }
    for more in ["=", "A", ".", ".A", " "] {
        assert!(keys().verify(&format!("{permit}{more}"), now()).is_err(), "{more}");
    }
    let long = format!("{permit}{}", "A".repeat(LONGEST));
    assert_eq!(keys().verify(&long, now()), Err(BadPermit::Malformed));
}

#[test]
fn a_permit_of_another_environment_is_refused_though_its_key_was_copied() {
    let staging = PermitKeys::new(&[1; 32], "https://staging.example.com");
    let claims = Claims { iss: "https://staging.example.com".into(), ..claims() };
    let refused = keys().verify(&staging.sign(&json_of(&claims)), now());
    let expected = BadPermit::Issuer {
        issuer: "https://staging.example.com".into(),
        here: "http://127.0.0.1:7717".into(),
    };
    assert_eq!(refused, Err(expected));
}

#[test]
fn a_key_before_the_present_one_verifies_as_long_as_what_it_signed_lives_and_signs_no_more() {
    let before = keys().sign(&json_of(&claims()));
    let seeds = PermitSeeds { first: [1; 32], then: vec![(now(), [2; 32])] };
    let after = PermitKeys::of(&seeds, "http://127.0.0.1:7717");
    assert_eq!(after.verify(&before, now()), Ok(claims()));
    assert_eq!(after.jwks(now())["keys"].as_array().unwrap().len(), 2);
    let permit = after.sign(&json_of(&claims()));
    assert_eq!(after.verify(&permit, now()), Ok(claims()));
    assert_eq!(keys().verify(&permit, now()), Err(BadPermit::Header));
    let later = PERMITS_LAST.after(now());
    assert_eq!(after.verify(&before, later), Err(BadPermit::Header));
    assert_eq!(after.verify(&permit, later), Ok(claims()));
    assert_eq!(after.jwks(later)["keys"].as_array().unwrap().len(), 1);
}
