//! Questions: the model is unsure and asks.

use sayso_core::decision::Says;
use sayso_core::escalation::{Hardened, Outcome, RefusedProposal};
use sayso_core::grant::Basis;
use sayso_core::{EscalationId, Refusal, Tier};
use sayso_engine::{DecideError, EngineError};
use serde_json::{Value, json};

use crate::clock::{MICROSECOND, minutes};
use crate::world::{WINDOW, World, question};

async fn ask(world: &World, asked: Value) -> EscalationId {
    world.propose(question(asked, None)).await.unwrap().escalation.id()
}

fn refusal<T: std::fmt::Debug>(done: Result<T, DecideError>) -> Refusal {
    match done {
        Err(DecideError::Engine(EngineError::Refused(refusal))) => refusal,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_question_is_answered_by_a_person(world: &mut World) {
    let id = ask(world, json!({"text": "Which?", "options": ["A", "B"]})).await;
    assert_eq!(world.get(id).await.escalation.tier(), Tier::Hard);
    world.says(&world.ana, id, Says::Answer(json!("B"))).await.unwrap();
    let record = world.get(id).await;
    assert_eq!(record.answer(), Some(json!("B")));
    assert_eq!(world.outcome(id).await, Some(Outcome::Answered));
    assert_eq!(world.basis(id).await, Some(Basis::Decision));
    world.restart().await;
    assert_eq!(world.get(id).await.answer(), Some(json!("B")));
}

pub(crate) async fn an_answer_must_be_one_that_was_asked_for(world: &mut World) {
    let id = ask(world, json!({"text": "Which?", "options": ["A", "B"]})).await;
    let refused = refusal(world.says(&world.ana, id, Says::Answer(json!("C"))).await);
    assert_eq!(refused, Refusal::BadAnswer("must be one of \"A\", \"B\"".into()));
    let form = json!({"text": "How many?", "schema": {"type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer", "minimum": 1}}}});
    let id = ask(world, form).await;
    for answer in [json!({"n": 0}), json!({}), json!("3"), json!({"n": 1, "m": 2})] {
        let refused = refusal(world.says(&world.ana, id, Says::Answer(answer)).await);
        assert!(matches!(refused, Refusal::BadAnswer(_)), "{refused:?}");
    }
    world.says(&world.ana, id, Says::Answer(json!({"n": 3}))).await.unwrap();
}

pub(crate) async fn heard_silence_answers_with_the_default(world: &mut World) {
    let _listener = world.engine().listen();
    let id = ask(world, json!({"text": "Which?", "options": ["A", "B"], "default": "A"})).await;
    assert_eq!(world.get(id).await.escalation.tier(), Tier::Soft);
    world.deliver(id).await;
    world.pass(WINDOW.minus(MICROSECOND)).await;
    assert_eq!(world.outcome(id).await, None);
    world.pass(MICROSECOND).await;
    assert_eq!(world.outcome(id).await, Some(Outcome::Answered));
    assert_eq!(world.basis(id).await, Some(Basis::Silence));
    assert_eq!(world.get(id).await.answer(), Some(json!("A")));
    world.restart().await;
    assert_eq!(world.get(id).await.answer(), Some(json!("A")));
}

pub(crate) async fn unheard_silence_answers_nothing(world: &mut World) {
    let id = ask(world, json!({"text": "Which?", "options": ["A", "B"], "default": "A"})).await;
    world.deliver(id).await;
    world.pass(WINDOW).await;
    world.pass(minutes(60)).await;
    let record = world.get(id).await;
    assert_eq!(record.escalation.hardened(), Some(&Hardened::Unheard));
    assert_eq!(record.answer(), None);
}

pub(crate) async fn a_soft_question_needs_a_default(world: &mut World) {
    let refused = world.propose(question(json!({"text": "Which?"}), Some(Tier::Soft))).await;
    let told = matches!(refused, Err(EngineError::Proposal(RefusedProposal::NoDefault)));
    assert!(told, "{refused:?}");
    let refused = world.propose(question(json!({"text": "Which?"}), Some(Tier::Fyi))).await;
    let told = matches!(refused, Err(EngineError::Proposal(RefusedProposal::FyiQuestion)));
    assert!(told, "{refused:?}");
}

pub(crate) async fn questions_are_answered_and_actions_approved(world: &mut World) {
    let id = ask(world, json!({"text": "Why?"})).await;
    assert_eq!(refusal(world.says(&world.ana, id, Says::Approve).await), Refusal::IsQuestion);
    let action = world.ask("deploy").await;
    assert_eq!(
        refusal(world.says(&world.ana, action, Says::Answer(json!("because"))).await),
        Refusal::IsAction
    );
    world.says(&world.ana, id, Says::Deny).await.unwrap();
    assert_eq!(world.outcome(id).await, Some(Outcome::Denied));
}
