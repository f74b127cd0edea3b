//! A looser policy without the say-so for it.

use serde_json::{Value, json};

use super::permits::granted;
use super::raw::{call, decide, now, propose};
use crate::server::{Server, Setup};

#[test]
fn one_permit_does_not_put_another_policy_in_force() {
    let server = Server::start();
    let bot = server.agent("bot");
    let ana = server.person("ana", &["reviewer", "policy_admin"]);
    let before = call(&server, &bot, "GET", "/v1/policy", &Value::Null).json();
    let loose = "default_tier = \"fyi\"\n";
    let put = |permit: Value, text: &str| {
        let body = json!({"policy": text, "permit": permit});
        call(&server, &bot, "PUT", "/v1/policy", &body)
    };
    put(Value::Null, loose).refused(400, "bad-request", "an agent needs the permit");
    let (_, drops) = granted(&server, &bot, &ana, "logs");
    put(json!(drops), loose).refused(400, "bad-request", "is not for `sayso.policy.apply`");
    let text = "default_tier = \"soft\"\n";
    let action = json!({"tool": "sayso.policy.apply", "arguments": {"policy": text},
                        "precondition": {"policy": before["hash"]}});
    let asked = propose(&server, &bot, &json!({"action": action, "tier": "fyi"}));
    assert_eq!(asked["tier"], "hard", "a looser policy is always a hard action");
    decide(&server, &ana, &asked, "approve");
    let permit = now(&server, &bot, &asked)["permit"].clone();
    put(permit, loose).refused(400, "bad-request", "is not for `sayso.policy.apply`");
    let by_person = call(&server, &ana, "PUT", "/v1/policy", &json!({"policy": loose}));
    by_person.refused(409, "policy-loosens", "propose `sayso.policy.apply` instead");
    let after = call(&server, &bot, "GET", "/v1/policy", &Value::Null).json();
    assert_eq!(after["hash"], before["hash"]);
}

#[test]
fn of_two_who_tighten_at_once_neither_loosens_what_the_other_tightened() {
    let rules = |a: u32, b: u32| {
        let rule = |tool: &str, window: u32| {
            format!(
                "[[rule]]\ntool = \"{tool}\"\ntier = \"soft\"\nwindow = \"{window}m\"\n\
                 unheard_after = \"1h\"\n\n"
            )
        };
        rule("a", a) + &rule("b", b)
    };
    let server = Setup { policy: &rules(1, 1), ..Setup::default() }.start();
    let ana = server.person("ana", &["reviewer", "policy_admin"]);
    let put = |text: String| call(&server, &ana, "PUT", "/v1/policy", &json!({"policy": text}));
    let (mut a, mut b) = (1, 1);
    for _ in 0..60 {
        // Each is stricter than what is in force, and looser than the other.
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| put(rules(a + 1, b)));
            let other = scope.spawn(|| put(rules(a, b + 1)));
            (one.join().unwrap(), other.join().unwrap())
        });
        let late = match (one.status, other.status) {
            (200, 409) => {
                a += 1;
                other.json()
            }
            (409, 200) => {
                b += 1;
                one.json()
            }
            _ => panic!("of the two, one: {one:?} {other:?}"),
        };
        let kind = late["type"].as_str().unwrap();
        assert!(matches!(kind, "/problems/policy-moved" | "/problems/policy-loosens"), "{late}");
    }
    let text = call(&server, &ana, "GET", "/v1/policy", &Value::Null).json();
    assert_eq!(text["text"], rules(a, b));
}
