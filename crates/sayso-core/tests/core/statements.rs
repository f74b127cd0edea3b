//! Statements: a signature is good for what was seen, in its ceremony, in its time, and for nothing
//! else.

use sayso_core::credential::Person;
use sayso_core::decision::{
    Assurance, Edit, NotSigned, OwnSignature, Says, Seen, VerifiedDecision,
};
use sayso_core::escalation::Proposal;
use sayso_core::signature::{BadProof, Domain, PersonKey, Proof, Signature};
use sayso_core::statement::{Decision, Displayed, FORM, Misfit, STATEMENT_LASTS, display};
use sayso_core::{
    Action, AgentName, Command, Digest, Event, Needed, Period, Refusal, Statement, Tier, ToolName,
    Verdict,
};
use serde_json::json;

use crate::signature::authenticator::Authenticator;
use crate::world::{Beginning, Bytes, Step, Who, World, minutes, nonce, verdict};

const WORKSPACE: &str = "default";

fn key(seed: u8) -> PersonKey {
    PersonKey::Passkey(Authenticator::p256(seed).passkey())
}

/// What somebody would sign to approve it as it stands.
fn statement(world: &World, who: Who) -> Statement {
    let escalation = &world.escalation;
    Statement {
        v: FORM,
        workspace: WORKSPACE.into(),
        escalation: escalation.id(),
        version: escalation.version(),
        digest: escalation.digest(),
        decision: Decision::Approve,
        edited: None,
        answer: None,
        tier: escalation.tier(),
        policy: escalation.verdict().policy,
        quorum: escalation.verdict().quorum.clone(),
        audience: escalation.executor().clone(),
        agent: escalation.agent().clone(),
        ceremony: escalation.ceremony(),
        nonce: nonce(77),
        display: Digest::of(b"what was displayed"),
        reviewer: who.person().name().clone(),
        key: key(who as u8 + 1).id(),
        issued_at: world.at,
        expires_at: STATEMENT_LASTS.after(world.at),
    }
}

fn sign(who: Who, statement: &Statement) -> Signature {
    let challenge = Domain::Decision.challenge(&statement.bytes());
    let assertion = Authenticator::p256(who as u8 + 1).sign(challenge.as_bytes());
    Signature::alone(Proof::Passkey(assertion))
}

fn signed(
    person: &Person,
    who: Who,
    says: Says,
    statement: &Statement,
) -> Result<VerifiedDecision, NotSigned> {
    let (key, signature) = (key(who as u8 + 1), sign(who, statement));
    let own = OwnSignature { workspace: WORKSPACE, statement, key: &key, signature: &signature };
    VerifiedDecision::by_signature(person, says, Seen::digest(statement.digest), &own)
}

fn give(
    world: &mut World,
    who: Who,
    says: Says,
    statement: &Statement,
) -> Result<Vec<&'static str>, Refusal> {
    let decision = signed(who.person(), who, says, statement).unwrap();
    let said = world.give(&Command::Decide(decision), &mut |_| {});
    said.map(|events| events.iter().map(Event::word).collect())
}

fn sealed(quorum: u8) -> World {
    let terms = Verdict { assurance: Assurance::Signed, ..verdict(Tier::Hard, quorum) };
    World::propose(Proposal { verdict: terms, ..Beginning::Action(Tier::Hard, 1).proposal() })
        .unwrap()
}

#[test]
fn a_session_does_where_it_is_enough_and_not_where_a_signature_is_asked_for() {
    let mut world = sealed(1);
    let refused = world.refused(Step::Approve(Who::Ana));
    assert_eq!(refused, Refusal::TooWeak { needed: Assurance::Signed });
    let statement = statement(&world, Who::Ana);
    let said = give(&mut world, Who::Ana, Says::Approve, &statement);
    assert_eq!(said, Ok(vec!["approved", "granted"]));
    let grant = &world.granted().unwrap().grant;
    assert_eq!(grant.statements(), [statement.digest()]);
    assert_eq!(grant.assurance(), Some(Assurance::Signed));
}

#[test]
fn refusing_needs_no_signature() {
    let mut world = sealed(1);
    assert_eq!(world.all(&[Step::Deny(Who::Bo)]), ["denied"]);
}

#[test]
fn each_member_of_a_statement_must_be_that_of_what_is_decided() {
    let world = sealed(2);
    let honest = statement(&world, Who::Ana);
    let other = |change: fn(&mut Statement)| {
        let mut statement = honest.clone();
        change(&mut statement);
        statement
    };
    let cases = [
        ("escalation", other(|s| s.escalation = uuid_of(3))),
        ("version", other(|s| s.version += 1)),
        ("digest", other(|s| s.digest = Bytes::Edited.digest())),
        ("decision", other(|s| s.decision = Decision::Answer)),
        ("edited", other(|s| s.edited = Some(Bytes::Edited.digest()))),
        ("answer", other(|s| s.answer = Some(Digest::of(b"yes")))),
        ("tier", other(|s| s.tier = Tier::Soft)),
        ("policy", other(|s| s.policy = Digest::of(b"another"))),
        ("quorum", other(|s| s.quorum = Needed::ONE)),
        ("audience", other(|s| s.audience = AgentName::new("stranger").unwrap())),
        ("agent", other(|s| s.agent = AgentName::new("stranger").unwrap())),
        ("ceremony", other(|s| s.ceremony = nonce(9))),
        ("issued_at", other(|s| s.issued_at = minutes(1).after(s.issued_at))),
        ("issued_at", other(|s| s.expires_at = Period::from_secs(1).after(s.expires_at))),
        ("expires_at", other(|s| s.expires_at = s.issued_at)),
    ];
    for (member, statement) in cases {
        let mut world = world.clone();
        let digest = world.escalation.digest();
        let decision = signed(Who::Ana.person(), Who::Ana, Says::Approve, &statement).unwrap();
        let refused =
            sayso_core::decide(&world.escalation, &Command::Decide(decision), &world.moment());
        match member {
            // Approving another digest is refused before any signature is looked at.
            "digest" => assert_eq!(refused, Err(Refusal::DigestMoved { now: digest })),
            member => assert_eq!(refused, Err(Refusal::Misfit(Misfit(member))), "{member}"),
        }
        assert_eq!(give(&mut world, Who::Ana, Says::Approve, &honest), Ok(vec!["approved"]));
    }
}

fn uuid_of(number: u8) -> sayso_core::EscalationId {
    sayso_core::EscalationId::from_uuid(uuid::Uuid::from_bytes([number; 16]))
}

#[test]
fn a_statement_is_its_signers_own_in_its_own_workspace() {
    let world = sealed(1);
    let honest = statement(&world, Who::Ana);
    let elsewhere = Statement { workspace: "staging".into(), ..honest.clone() };
    let others = Statement { reviewer: Who::Bo.person().name().clone(), ..honest.clone() };
    let keyless = Statement { key: Digest::of(b"another key"), ..honest.clone() };
    for (member, statement) in [("workspace", elsewhere), ("reviewer", others), ("key", keyless)] {
        let refused = signed(Who::Ana.person(), Who::Ana, Says::Approve, &statement).unwrap_err();
        assert_eq!(refused, NotSigned::Misfit(Misfit(member)));
    }
    // Signed by Bo's key, with Ana's named.
    let (key, signature) = (key(Who::Ana as u8 + 1), sign(Who::Bo, &honest));
    let own =
        OwnSignature { workspace: WORKSPACE, statement: &honest, key: &key, signature: &signature };
    let seen = Seen::digest(honest.digest);
    let refused = VerifiedDecision::by_signature(Who::Ana.person(), Says::Approve, seen, &own);
    assert_eq!(refused.unwrap_err(), NotSigned::Proof(BadProof::Signature));
}

#[test]
fn what_one_approval_changes_does_not_spoil_the_next_ones_statement() {
    let mut world = sealed(2);
    let (ana, bo) = (statement(&world, Who::Ana), statement(&world, Who::Bo));
    assert_eq!(give(&mut world, Who::Ana, Says::Approve, &ana), Ok(vec!["approved"]));
    assert_eq!(give(&mut world, Who::Bo, Says::Approve, &bo), Ok(vec!["approved", "granted"]));
}

#[test]
fn signatures_of_two_ceremonies_never_add_up() {
    let mut world = sealed(2);
    let (ana, bo) = (statement(&world, Who::Ana), statement(&world, Who::Bo));
    assert_eq!(give(&mut world, Who::Ana, Says::Approve, &ana), Ok(vec!["approved"]));
    // There and back again: the same bytes, but another ceremony.
    for number in [31, 32] {
        let terms = Verdict { assurance: Assurance::Signed, ..verdict(Tier::Hard, 2) };
        let digest = [Bytes::Edited, Bytes::Proposed][usize::from(number - 31)].digest();
        let edit = Edit { digest, verdict: terms, ceremony: nonce(number) };
        let edited = Statement {
            edited: Some(digest),
            ceremony: nonce(number),
            ..statement(&world, Who::Cy)
        };
        let said = give(&mut world, Who::Cy, Says::ApproveEdited(edit), &edited);
        assert_eq!(said, Ok(vec!["edited", "approved"]));
    }
    assert_eq!(world.escalation.digest(), bo.digest);
    let late = give(&mut world, Who::Bo, Says::Approve, &bo);
    assert_eq!(late, Err(Refusal::Misfit(Misfit("version"))));
    let forged = Statement { version: world.escalation.version(), ..bo };
    let forged = give(&mut world, Who::Bo, Says::Approve, &forged);
    assert_eq!(forged, Err(Refusal::Misfit(Misfit("ceremony"))));
    assert_eq!(world.escalation.approvals().len(), 1);
}

#[test]
fn what_was_taken_back_is_not_approved_again_by_the_old_signature() {
    let mut world = sealed(2);
    let old = statement(&world, Who::Ana);
    assert_eq!(give(&mut world, Who::Ana, Says::Approve, &old), Ok(vec!["approved"]));
    world.all(&[Step::Retract(Who::Ana)]);
    assert_eq!(give(&mut world, Who::Ana, Says::Approve, &old), Err(Refusal::SignatureSpent));
    let anew = statement(&world, Who::Ana);
    assert_eq!(give(&mut world, Who::Ana, Says::Approve, &anew), Ok(vec!["approved"]));
}

#[test]
fn a_statement_has_one_spelling() {
    let statement = statement(&sealed(1), Who::Ana);
    let bytes = statement.bytes();
    assert_eq!(Statement::parse(&bytes), Ok(statement));
    let text = String::from_utf8(bytes).unwrap();
    for other in [
        text.replace("\"v\":1", "\"v\":2"),
        text.replace("\"v\":1", "\"v\": 1"),
        text.replace("\"v\":1", "\"more\":1,\"v\":1"),
        text.replace("\"v\":1", "\"v\":1,\"v\":1"),
        text.replace("\"tier\":\"hard\"", "\"tier\":3"),
    ] {
        assert!(Statement::parse(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn what_is_displayed_is_spelt_so_that_nothing_passes_for_something_else() {
    let action = Action {
        tool: ToolName::new("transfer").unwrap(),
        arguments: json!({"to": "anna\u{202e}moc", "note": "a\nagent: other\u{200b}"})
            .as_object()
            .unwrap()
            .clone(),
        resource: None,
        precondition: Some(json!({"etag": "7"})),
    };
    let name = |name| AgentName::new(name).unwrap();
    let text = display(Displayed::Action(&action), &name("bot"), &name("bot"), Tier::Hard);
    let expected = "agent: bot\nexecutor: bot\ntier: hard\napprove: transfer\narguments: {\n  \
                    \"note\": \"a\\nagent: other\\u{200b}\",\n  \"to\": \"anna\\u{202e}moc\"\n}\n\
                    only if: {\n  \"etag\": \"7\"\n}\n";
    assert_eq!(text, expected);
}
