//! Permits: replayed, swapped, cut, re-signed, confused, and in the wrong hands.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::raw::{Answer, call, decide, now, propose, send};
use crate::server::Server;

fn redeem(server: &Server, key: &str, permit: &str) -> Answer {
    call(server, key, "POST", "/v1/permits/redeem", &json!({"permit": permit}))
}

/// The permit of a drop of that table, approved.
pub(super) fn granted(server: &Server, bot: &str, ana: &str, table: &str) -> (Value, String) {
    let action = json!({"tool": "drop", "arguments": {"table": table}});
    let asked = propose(server, bot, &json!({"action": action}));
    assert_eq!(decide(server, ana, &asked, "approve").status, 200);
    let asked = now(server, bot, &asked);
    let permit = asked["permit"].as_str().unwrap().to_owned();
    (asked, permit)
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// That header, merged into the permit's own.
fn headed(header: &str, with: &Value) -> Value {
    let mut header = decoded(header);
    header.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    header
}

#[test]
fn a_forged_permit_starts_nothing_whatever_algorithm_it_claims() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (asked, permit) = granted(&server, &bot, &ana, "logs");
    let parts: Vec<&str> = permit.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{permit}") };
    let public = send(&server, "GET", "/.well-known/jwks.json", &[], "").json();
    let public = URL_SAFE_NO_PAD.decode(public["keys"][0]["x"].as_str().unwrap()).unwrap();

    let mut forged = Vec::new();
    // No signature at all, under every spelling of it.
    for alg in ["none", "None", "NONE", "", "nOnE"] {
        let header = encode(&headed(header, &json!({"alg": alg})));
        forged.extend([format!("{header}.{claims}."), format!("{header}.{claims}.{signature}")]);
    }
    // Signed with what everybody has: our public key, as if it were a shared secret.
    for alg in ["HS256", "HS384", "HS512", "EdDSA"] {
        for secret in [&*public, header.as_bytes(), b""] {
            let signed = format!("{}.{claims}", encode(&headed(header, &json!({"alg": alg}))));
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
            mac.update(signed.as_bytes());
            let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
            forged.push(format!("{signed}.{tag}"));
        }
    }
    // Signed by the attacker, who brings the key along.
    let own = SigningKey::from_bytes(&[7; 32]);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519",
                     "x": URL_SAFE_NO_PAD.encode(own.verifying_key().as_bytes())});
    let bring = [
        json!({}),
        json!({"jwk": jwk}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"kid": "../../../dev/null"}),
        json!({"kid": "' OR 1=1 --"}),
        json!({"x5u": "https://evil.example"}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"typ": "JWT"}),
        json!({"alg": "Ed25519"}),
        json!({"zip": "DEF"}),
    ];
    for with in bring {
        let signed = format!("{}.{claims}", encode(&headed(header, &with)));
        let tag = URL_SAFE_NO_PAD.encode(own.sign(signed.as_bytes()).to_bytes());
        forged.extend([format!("{signed}.{tag}"), format!("{signed}.{signature}")]);
    }
    // The header again in other words: the signature is not over that.
    let spaced = URL_SAFE_NO_PAD.encode(decoded(header).to_string().replace(':', ": "));
    forged.push(format!("{spaced}.{claims}.{signature}"));
    for permit in forged.iter().filter(|forged| **forged != permit) {
        redeem(&server, &bot, permit).refused(400, "bad-permit", "");
    }
    assert_eq!(now(&server, &bot, &asked)["receipt"], Value::Null);
    assert_eq!(redeem(&server, &bot, &permit).status, 200, "the real one is still good");
}

#[test]
fn a_permit_that_was_changed_anywhere_starts_nothing() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (asked, permit) = granted(&server, &bot, &ana, "logs");
    let (_, other) = granted(&server, &bot, &ana, "users");
    let [head, claims, tag] = [0, 1, 2].map(|part| permit.split('.').nth(part).unwrap());
    let [other_claims, other_tag] = [1, 2].map(|part| other.split('.').nth(part).unwrap());
    let mut changed: Vec<String> = (0..permit.len()).map(|end| permit[..end].to_owned()).collect();
    changed.extend((0..permit.len()).filter(|at| permit.as_bytes()[*at] != b'.').map(|at| {
        let other = if permit.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &permit[..at], &permit[at + 1..])
    }));
    changed.extend([
        format!("{head}.{other_claims}.{tag}"),
        format!("{head}.{claims}.{other_tag}"),
        format!("{permit}."),
        format!("{permit}.{tag}"),
        format!("{permit}="),
        format!("{permit}\n"),
        format!(" {permit}"),
        format!("{permit}{other}"),
        permit.replace('.', ".."),
        permit.to_uppercase(),
    ]);
    // A claim made greater, under the old signature.
    for (claim, value) in [("exp", json!(9_999_999_999_u64)), ("tool", json!("shell"))] {
        let mut greater = decoded(claims);
        greater[claim] = value;
        changed.push(format!("{head}.{}.{tag}", encode(&greater)));
    }
    for permit in &changed {
        redeem(&server, &bot, permit).refused(400, "bad-permit", "");
    }
    assert_eq!(now(&server, &bot, &asked)["receipt"], Value::Null);
    let redeemed = redeem(&server, &bot, &permit).json();
    assert_eq!(redeemed["action"]["arguments"]["table"], "logs");
    redeem(&server, &bot, &permit).refused(409, "already-redeemed", "a grant is used once");
    let redeemed = redeem(&server, &bot, &other).json();
    assert_eq!(redeemed["action"]["arguments"]["table"], "users");
}

#[test]
fn a_permit_of_another_server_is_none_here() {
    let (here, there) = (Server::start(), Server::start());
    let keys = [&here, &there].map(|server| (server.agent("bot"), server.reviewer("ana")));
    let (asked, _) = granted(&here, &keys[0].0, &keys[0].1, "logs");
    let (_, foreign) = granted(&there, &keys[1].0, &keys[1].1, "logs");
    redeem(&here, &keys[0].0, &foreign).refused(400, "bad-permit", "");
    assert_eq!(now(&here, &keys[0].0, &asked)["receipt"], Value::Null);
    // Neither is a credential.
    let answer = call(&here, &keys[1].0, "GET", "/v1/me", &Value::Null);
    answer.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
    let approve = decide(&here, &keys[1].1, &asked, "approve");
    approve.refused(401, "unauthenticated", "send `Authorization: Bearer …`");
}

#[test]
fn a_permit_in_other_hands_starts_nothing() {
    let server = Server::start();
    let (bot, ana) = (server.agent("bot"), server.reviewer("ana"));
    let (eve, runner) = (server.agent("eve"), server.agent("runner"));
    let (asked, permit) = granted(&server, &bot, &ana, "logs");
    redeem(&server, &eve, &permit).refused(403, "wrong-audience", "bot");
    redeem(&server, &ana, &permit).refused(403, "forbidden", "this is for agents");
    let receipt = format!("/v1/permits/{}/receipt", asked["id"].as_str().unwrap());
    assert_eq!(redeem(&server, &bot, &permit).status, 200);
    let done = json!({"result": "succeeded"});
    call(&server, &eve, "POST", &receipt, &done).refused(403, "wrong-audience", "not for eve");
    assert_eq!(now(&server, &bot, &asked)["receipt"]["result"], "started");

    // Who asked is not who runs it, once another was named.
    let body = json!({"action": {"tool": "drop"}, "executor": "runner"});
    let asked = propose(&server, &bot, &body);
    decide(&server, &ana, &asked, "approve");
    let permit = now(&server, &bot, &asked)["permit"].as_str().unwrap().to_owned();
    redeem(&server, &bot, &permit).refused(403, "wrong-audience", "runner");
    assert_eq!(redeem(&server, &runner, &permit).status, 200);
}

#[test]
fn no_person_and_nobody_unknown_is_named_as_executor() {
    let server = Server::start();
    let bot = server.agent("bot");
    server.reviewer("ana");
    for executor in ["ana", "nobody", "BOT", "bot ", "../bot", ""] {
        let body = json!({"action": {"tool": "drop"}, "executor": executor});
        let answer = call(&server, &bot, "POST", "/v1/escalations", &body);
        answer.refused(400, "bad-request", "");
        assert_eq!(answer.json()["field"], "/executor", "{executor}");
    }
}
