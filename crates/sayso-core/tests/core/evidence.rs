//! End to end: an executor that pins people's keys acts on what they signed, and on nothing that a
//! server makes of it.

use jiff::Timestamp;
use sayso_core::evidence::{BadPins, Evidence, Handed, Pins, Unproved};
use sayso_core::signature::{Batch, Domain, PersonKey, Proof, Signature};
use sayso_core::statement::{Decision, FORM, STATEMENT_LASTS};
use sayso_core::{
    Action, AgentName, Digest, EscalationId, Needed, Nonce, Period, ReviewerName, Statement, Tier,
    ToolName,
};
use serde_json::json;

use crate::signature::authenticator::Authenticator;

const ANA: u8 = 1;
const BO: u8 = 2;
const EVE: u8 = 3;

fn name(seed: u8) -> ReviewerName {
    ReviewerName::new(["ana", "bo", "eve"][usize::from(seed - 1)]).unwrap()
}

fn key(seed: u8) -> PersonKey {
    PersonKey::Passkey(Authenticator::p256(seed).passkey())
}

fn line(seed: u8) -> String {
    format!(
        "{} {}",
        name(seed),
        serde_json::to_string(&Authenticator::p256(seed).passkey()).unwrap()
    )
}

/// Two of Ana and Bo, for the executor `gate`.
fn pins(quorum: &str) -> Pins {
    let text =
        format!("# who may say yes\nexecutor gate\nquorum {quorum}\n{}\n{}\n", line(ANA), line(BO));
    text.parse().unwrap()
}

fn action() -> Action {
    let arguments = json!({"branch": "main"}).as_object().unwrap().clone();
    let tool = ToolName::new("git_merge").unwrap();
    Action { tool, arguments, resource: None, precondition: Some(json!({"head": "abc"})) }
}

fn escalation() -> EscalationId {
    EscalationId::from_uuid(uuid::Uuid::from_bytes([7; 16]))
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

fn statement(seed: u8) -> Statement {
    Statement {
        v: FORM,
        workspace: "default".into(),
        escalation: escalation(),
        version: 1,
        digest: action().digest(),
        decision: Decision::Approve,
        edited: None,
        answer: None,
        tier: Tier::Hard,
        policy: Digest::of(b"policy"),
        quorum: Needed::ONE,
        audience: AgentName::new("gate").unwrap(),
        agent: AgentName::new("bot").unwrap(),
        ceremony: Nonce::from_entropy([1; 16]),
        nonce: Nonce::from_entropy([seed; 16]),
        display: Digest::of(b"what was displayed"),
        reviewer: name(seed),
        key: key(seed).id(),
        issued_at: now(),
        expires_at: STATEMENT_LASTS.after(now()),
    }
}

fn signed(seed: u8, statement: &Statement) -> Evidence {
    let challenge = Domain::Decision.challenge(&statement.bytes());
    let assertion = Authenticator::p256(seed).sign(challenge.as_bytes());
    Evidence {
        statement: String::from_utf8(statement.bytes()).unwrap(),
        signature: Signature::alone(Proof::Passkey(assertion)),
        key: key(seed),
    }
}

fn approved(seed: u8) -> Evidence {
    signed(seed, &statement(seed))
}

fn check(pins: &Pins, evidence: &[Evidence]) -> Result<Vec<ReviewerName>, Unproved> {
    let action = action();
    pins.check(&Handed { action: &action, escalation: escalation() }, evidence, now())
}

#[test]
fn as_many_pinned_people_as_the_pins_ask_for_are_enough() {
    let both = [approved(ANA), approved(BO)];
    assert_eq!(check(&pins("2"), &both), Ok(vec![name(ANA), name(BO)]));
    assert_eq!(check(&pins("1"), &both[1..]), Ok(vec![name(BO)]));
    assert!(matches!(check(&pins("2"), &both[1..]), Err(Unproved::TooFew { .. })));
    assert!(matches!(check(&pins("1"), &[]), Err(Unproved::TooFew { .. })));
}

#[test]
fn one_person_twice_is_one_person() {
    let again = Statement { nonce: Nonce::from_entropy([9; 16]), ..statement(ANA) };
    let twice = [approved(ANA), signed(ANA, &again)];
    assert!(matches!(check(&pins("2"), &twice), Err(Unproved::TooFew { .. })));
}

#[test]
fn a_person_whom_nobody_pinned_does_not_count_and_is_named() {
    let refused = check(&pins("2"), &[approved(ANA), approved(EVE)]).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.starts_with("the pins ask for 2 and ana signed it; not pinned: eve (SHA256:"),
        "{text}"
    );
    // A key of her own under a pinned name is no more than that.
    let as_bo = Statement { reviewer: name(BO), ..statement(EVE) };
    let refused = check(&pins("2"), &[approved(ANA), signed(EVE, &as_bo)]);
    assert!(matches!(refused, Err(Unproved::TooFew { .. })), "{refused:?}");
    let with_bos_key = Statement { key: key(BO).id(), ..as_bo };
    let refused = check(&pins("2"), &[approved(ANA), signed(EVE, &with_bos_key)]);
    assert!(matches!(refused, Err(Unproved::Signature { .. })), "{refused:?}");
}

#[test]
fn what_was_signed_for_something_else_is_refused() {
    let other = |change: fn(&mut Statement)| {
        let mut statement = statement(BO);
        change(&mut statement);
        statement
    };
    let cases = [
        ("digest", other(|s| s.digest = Digest::of(b"another action"))),
        ("edited", other(|s| s.edited = Some(Digest::of(b"another action")))),
        ("escalation", other(|s| s.escalation = EscalationId::from_uuid(uuid::Uuid::nil()))),
        ("audience", other(|s| s.audience = AgentName::new("bot").unwrap())),
        ("decision", other(|s| s.decision = Decision::Answer)),
    ];
    for (wrong, statement) in cases {
        let refused = check(&pins("2"), &[approved(ANA), signed(BO, &statement)]);
        let expected = Err(Unproved::Misfit { by: name(BO), member: wrong });
        assert_eq!(refused, expected, "{wrong}");
    }
}

#[test]
fn another_action_than_the_signed_one_is_refused() {
    let mut other = action();
    other.precondition = None;
    let handed = Handed { action: &other, escalation: escalation() };
    let refused = pins("1").check(&handed, &[approved(ANA)], now());
    assert_eq!(refused, Err(Unproved::Misfit { by: name(ANA), member: "digest" }));
}

#[test]
fn who_edits_and_who_approves_the_edit_add_up() {
    let edit = Statement {
        digest: Digest::of(b"what was proposed"),
        edited: Some(action().digest()),
        ..statement(ANA)
    };
    assert!(check(&pins("2"), &[signed(ANA, &edit), approved(BO)]).is_ok());
}

#[test]
fn parts_of_two_ceremonies_never_add_up() {
    let another = Statement { ceremony: Nonce::from_entropy([2; 16]), ..statement(BO) };
    let refused = check(&pins("2"), &[approved(ANA), signed(BO, &another)]);
    assert_eq!(refused, Err(Unproved::Ceremonies));
}

#[test]
fn old_statements_and_those_of_the_future_are_refused() {
    let pins = pins("1");
    let action = action();
    let handed = Handed { action: &action, escalation: escalation() };
    let at = |at| pins.check(&handed, &[approved(ANA)], at);
    let (second, day) = (Period::from_secs(1), pins.max_age());
    assert!(at(day.after(now())).is_ok());
    assert!(matches!(at(day.plus(second).after(now())), Err(Unproved::Time { .. })));
    let before = |secs| now() - std::time::Duration::from_secs(secs);
    assert!(at(before(30)).is_ok());
    assert!(matches!(at(before(31)), Err(Unproved::Time { .. })));
    let for_ever = Statement { expires_at: day.after(now()), ..statement(ANA) };
    let refused = check(&pins, &[signed(ANA, &for_ever)]);
    assert!(matches!(refused, Err(Unproved::Time { .. })), "{refused:?}");
}

#[test]
fn a_statement_changed_after_signing_or_spelt_otherwise_is_refused() {
    let mut changed = approved(ANA);
    changed.statement = changed.statement.replace("\"tier\":\"hard\"", "\"tier\":\"soft\"");
    let refused = check(&pins("1"), &[changed]);
    assert!(matches!(refused, Err(Unproved::Signature { .. })), "{refused:?}");
    let mut spaced = approved(ANA);
    spaced.statement.push(' ');
    assert!(matches!(check(&pins("1"), &[spaced]), Err(Unproved::Malformed(_))));
}

#[test]
fn one_of_several_signed_at_once_counts_and_a_stranger_to_the_batch_does_not() {
    let batch = |digests| {
        let batch = Batch::new(digests).unwrap();
        let challenge = Domain::Batch.challenge(&batch.bytes());
        let proof = Proof::Passkey(Authenticator::p256(ANA).sign(challenge.as_bytes()));
        let signature = Signature { proof, batch: Some(batch) };
        Evidence { signature, ..approved(ANA) }
    };
    let own = statement(ANA).digest();
    assert!(check(&pins("1"), &[batch(vec![Digest::of(b"other"), own])]).is_ok());
    let refused = check(&pins("1"), &[batch(vec![Digest::of(b"other")])]);
    assert!(matches!(refused, Err(Unproved::Signature { .. })), "{refused:?}");
}

#[test]
fn groups_are_those_of_the_pins_not_of_the_server() {
    let text = |bo: &str| {
        let ana = line(ANA).replacen("ana ", "ana groups=\"security,leads\" ", 1);
        let bo = line(BO).replacen("bo ", &format!("bo {bo}"), 1);
        format!("executor gate\nquorum security=1 leads=1\n{ana}\n{bo}\n")
    };
    let pins: Pins = text("groups=\"leads\" ").parse().unwrap();
    assert!(check(&pins, &[approved(ANA), approved(BO)]).is_ok());
    assert!(matches!(check(&pins, &[approved(ANA)]), Err(Unproved::TooFew { .. })));
    assert_eq!(text("").parse::<Pins>().unwrap_err(), BadPins::NeverMet);
}

#[test]
fn pins_are_for_all_tools_or_for_those_they_name() {
    assert!(pins("1").covers("anything"));
    let text = format!("executor gate\nquorum 1\ntools git_merge deploy*\n{}", line(ANA));
    let named: Pins = text.parse().unwrap();
    assert!(["git_merge", "deploy", "deploy_now"].iter().all(|tool| named.covers(tool)));
    assert!(["git_merge_2", "read", "redeploy"].iter().all(|tool| !named.covers(tool)));
}

#[test]
fn a_file_of_pins_that_is_not_in_order_says_where() {
    let (ana, gate) = (line(ANA), "executor gate\nquorum 1\n");
    let cases = [
        (format!("quorum 1\n{ana}"), "a line is missing: `executor NAME`"),
        (format!("executor gate\n{ana}"), "a line is missing: `quorum N`"),
        (format!("{gate}{ana}\n{ana}"), "line 4: this key is pinned already"),
        (format!("{gate}ana"), "line 3: not an OpenSSH public key"),
        (format!("{gate}ana ssh-rsa AAAA"), "line 3: "),
        ("executor gate\nquorum 0\n".into(), "line 2: \"0\" is no number from 1 to 255"),
        ("executor gate\nquorum\n".into(), "line 2: say how many"),
        (format!("executor gate\nquorum 2\n{ana}"), "the quorum asks for more people"),
        (format!("{gate}max-age soon\n{ana}"), "line 3: not a length of time"),
    ];
    for (text, says) in cases {
        let refused = text.parse::<Pins>().unwrap_err().to_string();
        assert!(refused.starts_with(says), "{refused:?} does not start with {says:?}");
    }
}
