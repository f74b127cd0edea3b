//! Who is who: agents and people are never taken for each other.

use sayso_core::credential::{LoginToken, ReviewerToken, Role};
use sayso_core::decision::Says;
use sayso_core::{AgentName, Refusal, ReviewerName};
use sayso_engine::{Account, Actor, DecideError, EngineError};

use crate::clock::days;
use crate::world::{World, person};

fn ana() -> ReviewerName {
    ReviewerName::new("ana").unwrap()
}

pub(crate) async fn an_agents_key_is_an_agent_and_a_persons_token_a_person(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let (operator, fay) = (Actor::Operator, AgentName::new("fay").unwrap());
    let agent = authority.add_agent(operator, fay, None, None, now).await.unwrap();
    let fay = ReviewerName::new("fay").unwrap();
    let person = authority.add_or_renew_person(fay, &[Role::Reviewer], &[], now).await.unwrap();
    for _ in 0..2 {
        let account = authority.bearer(&agent.key.reveal(), now).await.unwrap();
        assert!(matches!(account, Some(Account::Agent(_))), "{account:?}");
        let account = authority.bearer(&person.token.reveal(), now).await.unwrap();
        assert!(matches!(account, Some(Account::Person(_))), "{account:?}");
    }
    // The same bytes as another kind of secret are nobody's.
    let disguised = agent.key.reveal().replace("sayso_agent_", "sayso_reviewer_");
    assert!(authority.bearer(&disguised, now).await.unwrap().is_none());
    let disguised = person.token.reveal().replace("sayso_reviewer_", "sayso_agent_");
    assert!(authority.bearer(&disguised, now).await.unwrap().is_none());
    let unknown = ReviewerToken::from_entropy([3; 32]).reveal();
    assert!(authority.bearer(&unknown, now).await.unwrap().is_none());
    assert!(authority.bearer("", now).await.unwrap().is_none());
}

pub(crate) async fn a_session_is_no_bearer_and_a_login_link_neither(world: &mut World) {
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let link = authority.login_link(Actor::Operator, &ana(), now).await.unwrap();
    assert!(authority.bearer(&link.reveal(), now).await.unwrap().is_none());
    assert!(authority.session(&link.reveal(), now).await.unwrap().is_none());
    let login = authority.log_in(&link, "a browser", now).await.unwrap().unwrap();
    let session = login.session.reveal();
    assert!(authority.bearer(&session, now).await.unwrap().is_none());
    let disguised = session.replace("sayso_session_", "sayso_reviewer_");
    assert!(authority.bearer(&disguised, now).await.unwrap().is_none());
    let person = authority.session(&session, now).await.unwrap().unwrap();
    assert_eq!(*person.name(), ana());
}

pub(crate) async fn a_login_link_works_once_however_many_try(world: &mut World) {
    let now = world.engine().now();
    let link = world.engine().authority().login_link(Actor::Operator, &ana(), now).await.unwrap();
    assert!(world.engine().authority().peek_login(&link, now).await.unwrap().is_some());
    let logins = (0..20).map(|_| {
        let (engine, link) = (world.engine().clone(), link.clone());
        tokio::spawn(
            async move { engine.authority().log_in(&link, "a browser", now).await.unwrap() },
        )
    });
    let mut inside = 0;
    for login in logins.collect::<Vec<_>>() {
        inside += usize::from(login.await.unwrap().is_some());
    }
    assert_eq!(inside, 1);
    assert!(world.engine().authority().peek_login(&link, now).await.unwrap().is_none());
}

pub(crate) async fn a_login_link_and_a_session_end(world: &mut World) {
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let link = authority.login_link(Actor::Operator, &ana(), now).await.unwrap();
    assert!(authority.log_in(&link, "a browser", days(1).after(now)).await.unwrap().is_none());
    let login = authority.log_in(&link, "a browser", now).await.unwrap().unwrap();
    let session = login.session.reveal();
    let end = login.lasts.after(now);
    assert!(authority.session(&session, end).await.unwrap().is_none());
    assert!(authority.session(&session, now).await.unwrap().is_some());
    let forged = LoginToken::from_entropy([3; 32]);
    assert!(authority.log_in(&forged, "a browser", now).await.unwrap().is_none());
}

pub(crate) async fn a_session_ends_when_it_is_logged_out(world: &mut World) {
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let link = authority.login_link(Actor::Operator, &ana(), now).await.unwrap();
    let session =
        authority.log_in(&link, "a browser", now).await.unwrap().unwrap().session.reveal();
    authority.log_out(&session, now).await.unwrap();
    assert!(authority.session(&session, now).await.unwrap().is_none());
    authority.log_out(&session, now).await.unwrap();
}

pub(crate) async fn a_new_key_takes_the_old_ones_place(world: &mut World) {
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let name = AgentName::new("fay").unwrap();
    let add = async |name: &AgentName| {
        let (operator, name) = (Actor::Operator, name.clone());
        let new = authority.add_or_renew_agent(operator, name, None, None, now).await.unwrap();
        new.key.reveal()
    };
    let old = add(&name).await;
    assert!(authority.bearer(&old, now).await.unwrap().is_some());
    let new = add(&name).await;
    assert!(authority.bearer(&old, now).await.unwrap().is_none());
    assert!(authority.bearer(&new, now).await.unwrap().is_some());
}

pub(crate) async fn only_reviewers_decide(world: &mut World) {
    let id = world.ask("deploy").await;
    for (name, role) in [("al", Role::Auditor), ("ow", Role::Owner), ("po", Role::PolicyAdmin)] {
        let person = person(world.engine(), name, &[role]).await;
        for says in [Says::Approve, Says::Deny, Says::Take] {
            let refused = world.says(&person, id, says).await;
            assert!(matches!(refused, Err(DecideError::NotAReviewer(_))), "{refused:?}");
        }
    }
    assert_eq!(world.story(id).await, ["proposed"]);
}

pub(crate) async fn only_its_agent_withdraws_it(world: &mut World) {
    let id = world.ask("deploy").await;
    let refused = world.engine().withdraw(id, &world.mule).await;
    let told = matches!(refused, Err(EngineError::Refused(Refusal::NotYours { .. })));
    assert!(told, "{refused:?}");
    world.engine().withdraw(id, &world.bot).await.unwrap();
}
