//! Who may do what, and that the ledger says who changed it.

use std::time::Duration;

use sayso_core::credential::{InviteToken, Person, Role};
use sayso_core::decision::{Says, Seen};
use sayso_core::directory::{By, Change, IllegalChange, Lapsed, Scope};
use sayso_core::halt;
use sayso_core::{
    AgentName, CredentialId, Digest, GroupName, Period, ReviewerName, WorkspaceEvent,
};
use sayso_engine::{Account, Actor, AuthorityError, DecideError, Engine, EngineError};
use sayso_policy::tool_pattern;
use sayso_store::{Amendment, Happened, NewEntry};
use serde_json::json;

use crate::clock::{days, minutes};
use crate::world::{self, POLICY, Server, World, call, eventually, object, person};

fn name(text: &str) -> ReviewerName {
    ReviewerName::new(text).unwrap()
}

async fn owner(world: &World) -> Person {
    person(world.engine(), "olga", &[Role::Owner, Role::Reviewer]).await
}

/// What changed since, by whom and how.
async fn since(engine: &Engine, index: u64) -> Vec<(String, &'static str)> {
    let entries = engine.entries(index + 1, 100).await.unwrap();
    let changes = entries.into_iter().map(|entry| match entry.happened {
        Happened::Workspace(WorkspaceEvent::AuthorityChanged { by, change }) => {
            (by.to_string(), change.word())
        }
        other => panic!("{other:?}"),
    });
    changes.collect()
}

async fn account(engine: &Engine, token: &str) -> Option<Account> {
    engine.authority().bearer(token, engine.now()).await.unwrap()
}

pub(crate) async fn every_change_is_one_entry_that_says_who_made_it(world: &mut World) {
    let olga = owner(world).await;
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let (olgas, operator) = (Actor::from(&olga), Actor::Operator);
    let (bot, ana, bo) = (AgentName::new("fay").unwrap(), name("ana"), name("bo"));
    macro_rules! makes {
        ($by:literal: $($word:literal)* by $call:expr) => {{
            let before = engine.ledger_size().await.unwrap();
            let made = $call.await.unwrap();
            let found = since(engine, before).await;
            assert_eq!(found, [$(($by.to_owned(), $word)),*]);
            made
        }};
    }
    makes!("olga": "agent_added" "agent_key_added" by
        authority.add_agent(olgas, bot.clone(), Some(ana.clone()), None, now));
    makes!("the operator": "agent_key_ends" "agent_key_added" by
        authority.rotate_agent(operator, bot.clone(), minutes(5), now));
    makes!("olga": "agent_changed" by authority.change_agent(olgas, &bot, None, None, now));
    makes!("olga": by authority.change_agent(olgas, &bot, None, None, now));
    makes!("olga": "callback_set" by
        authority.set_callback(olgas, &bot, Some("http://bot.test"), now));
    makes!("olga": "agent_revoked" by authority.revoke_agent(olgas, &bot, now));
    assert!(world.server().store.callbacks().await.unwrap().is_empty());
    let (roles, groups) = ([Role::Auditor], [GroupName::new("leads").unwrap()]);
    makes!("olga": "person_added" "link_made" by
        authority.add_person(olgas, name("cy"), &roles, &groups, now));
    makes!("olga": "person_changed" by
        authority.set_person(olgas, &name("cy"), &[Role::Reviewer], &groups, now));
    makes!("olga": by
        authority.set_person(olgas, &name("cy"), &[Role::Reviewer], &groups, now));
    makes!("olga": "cover_set" by
        authority.set_cover(olgas, &ana, &bo, minutes(60).after(now), now));
    makes!("olga": "cover_ended" by authority.end_cover(olgas, &ana, &bo, now));
    let invitation = makes!("olga": "invited" by authority.invite(olgas, &roles, &[], now));
    makes!("olga": "invitation_ended" by authority.end_invitation(olgas, invitation.id, now));
    let scopes = [Scope::Read];
    let token = makes!("olga": "token_issued" by
        authority.issue_token(olgas, olga.name(), &scopes, None, "laptop", now));
    makes!("olga": "token_revoked" by authority.revoke_token(olgas, token.id, now));
    let link = makes!("the operator": "link_made" by authority.login_link(operator, &ana, now));
    let login = makes!("ana": "session_opened" by authority.log_in(&link, "a browser", now));
    let session = login.unwrap().session.reveal();
    makes!("ana": "session_closed" by authority.log_out(&session, now));
    makes!("the operator": "person_removed" by authority.remove_person(operator, &bo, now));
}

pub(crate) async fn who_is_no_owner_changes_nothing(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let auditor = person(engine, "aud", &[Role::Auditor, Role::PolicyAdmin]).await;
    let before = engine.ledger_size().await.unwrap();
    for somebody in [&world.ana, &auditor] {
        let actor = Actor::from(somebody);
        let bot = AgentName::new("bot").unwrap();
        let refused = [
            authority.add_person(actor, name("eve"), &[Role::Owner], &[], now).await.map(|_| ()),
            authority.set_person(actor, somebody.name(), &[Role::Owner], &[], now).await,
            authority.remove_person(actor, &name("bo"), now).await,
            authority.invite(actor, &[Role::Owner], &[], now).await.map(|_| ()),
            authority.login_link(actor, &name("bo"), now).await.map(|_| ()),
            authority.rotate_agent(actor, bot.clone(), Period::ZERO, now).await.map(|_| ()),
            authority.revoke_agent(actor, &bot, now).await,
            authority.change_agent(actor, &bot, Some(name("bo")), None, now).await,
            authority.set_callback(actor, &bot, Some("http://evil.test"), now).await.map(|_| ()),
            authority
                .issue_token(actor, &name("bo"), &[Scope::Read], None, "", now)
                .await
                .map(|_| ()),
        ];
        for refused in refused {
            let told =
                matches!(refused, Err(AuthorityError::Illegal(IllegalChange::NotAllowed { .. })));
            assert!(told, "{}: {refused:?}", somebody.name());
        }
    }
    assert_eq!(engine.ledger_size().await.unwrap(), before);
}

pub(crate) async fn a_token_gives_no_more_than_it_has(world: &mut World) {
    let olga = owner(world).await;
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let issue = async |by: &Person, scopes: &[Scope], until| {
        authority.issue_token(by.into(), by.name(), scopes, until, "t", now).await
    };
    let hour = minutes(60).after(now);
    let made = issue(&olga, &[Scope::Read, Scope::Administer], Some(hour)).await.unwrap();
    let Some(Account::Person(limited)) = account(engine, &made.token.reveal()).await else {
        panic!("it is a person's")
    };
    assert_eq!(limited.roles(), [Role::Owner]);
    for (scopes, until) in [
        (&[Scope::Decide][..], Some(hour)),
        (&[Scope::Read], None),
        (&[Scope::Read], Some(minutes(61).after(now))),
    ] {
        let refused = issue(&limited, scopes, until).await.map(|_| ());
        assert!(matches!(refused, Err(AuthorityError::MoreThanItsOwn)), "{refused:?}");
    }
    issue(&limited, &[Scope::Read], Some(hour)).await.unwrap();

    let made = issue(&olga, &[Scope::Decide, Scope::Policy], None).await.unwrap();
    let Some(Account::Person(decides)) = account(engine, &made.token.reveal()).await else {
        panic!("it is a person's")
    };
    let refused = authority.revoke_token((&decides).into(), made.id, now).await;
    assert!(matches!(refused, Err(AuthorityError::Scope(Scope::Administer))), "{refused:?}");
    let none = issue(&olga, &[], None).await.map(|_| ());
    assert!(matches!(none, Err(AuthorityError::NoScope)), "{none:?}");
}

pub(crate) async fn a_token_ends_when_it_says_or_is_revoked(world: &mut World) {
    let olga = owner(world).await;
    let authority = world.engine().authority();
    let issue = async |until| {
        let now = world.engine().now();
        let made = authority.issue_token((&olga).into(), olga.name(), &Scope::ALL, until, "", now);
        made.await.unwrap()
    };
    let short = issue(Some(minutes(5).after(world.engine().now()))).await;
    let long = issue(None).await;
    assert!(account(world.engine(), &short.token.reveal()).await.is_some());
    world.pass(minutes(5)).await;
    assert!(account(world.engine(), &short.token.reveal()).await.is_none());
    assert!(account(world.engine(), &long.token.reveal()).await.is_some());
    let now = world.engine().now();
    authority.revoke_token((&olga).into(), long.id, now).await.unwrap();
    assert!(account(world.engine(), &long.token.reveal()).await.is_none(), "at once");
    let again = authority.revoke_token((&olga).into(), long.id, now).await;
    assert!(
        matches!(again, Err(AuthorityError::Illegal(IllegalChange::NotInForce { .. }))),
        "{again:?}"
    );
}

pub(crate) async fn an_agents_old_key_works_on_for_the_overlap(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let (authority, fay) = (engine.authority(), AgentName::new("fay").unwrap());
    let added = authority.add_agent(Actor::Operator, fay.clone(), None, None, now).await.unwrap();
    let old = added.key.reveal();
    let rotate = async |overlap| {
        let now = world.engine().now();
        let new = authority.rotate_agent(Actor::Operator, fay.clone(), overlap, now).await;
        new.unwrap().key.reveal()
    };
    let new = rotate(minutes(60)).await;
    world.pass(minutes(59)).await;
    for key in [&old, &new] {
        assert!(matches!(account(engine, key).await, Some(Account::Agent(_))));
    }
    // Another rotation does not put the end of the first key off.
    let newer = rotate(minutes(60)).await;
    world.pass(minutes(1)).await;
    assert!(account(engine, &old).await.is_none());
    assert!(account(engine, &new).await.is_some() && account(engine, &newer).await.is_some());
    let newest = rotate(Period::ZERO).await;
    for key in [&new, &newer] {
        assert!(account(engine, key).await.is_none(), "at once");
    }
    assert!(account(engine, &newest).await.is_some());
    authority.revoke_agent(Actor::Operator, &fay, engine.now()).await.unwrap();
    assert!(account(engine, &newest).await.is_none());
}

pub(crate) async fn an_agent_proposes_its_own_tools_only(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let bot = world.bot.name().clone();
    let tools = ["note_*", "merge"].map(|glob| tool_pattern(glob).unwrap()).to_vec();
    let authority = engine.authority();
    authority.change_agent(Actor::Operator, &bot, None, Some(tools), now).await.unwrap();
    world.propose(call("note_this")).await.unwrap();
    world.propose(call("merge")).await.unwrap();
    for tool in ["deploy", "merge_all", "note"] {
        let refused = world.propose(call(tool)).await;
        let told = matches!(refused, Err(EngineError::ForbiddenTool { .. }));
        assert!(told, "{tool}: {refused:?}");
    }
    let metrics = engine.metrics().await.unwrap();
    assert!(metrics.contains("sayso_forbidden_tools_total 3"), "{metrics}");
    authority.change_agent(Actor::Operator, &bot, None, None, now).await.unwrap();
    world.propose(call("deploy")).await.unwrap();
}

pub(crate) async fn of_many_who_accept_an_invitation_one_joins(world: &mut World) {
    let olga = owner(world).await;
    let (engine, now) = (world.engine(), world.engine().now());
    let (roles, groups) = ([Role::Reviewer], [GroupName::new("leads").unwrap()]);
    let invited = engine.authority().invite((&olga).into(), &roles, &groups, now).await.unwrap();
    let joins = (0..8).map(|number| {
        let (engine, token) = (engine.clone(), invited.token.clone());
        let name = name(&format!("guest{number}"));
        tokio::spawn(async move { engine.authority().join(&token, &name, "b", now).await.unwrap() })
    });
    let mut joined = Vec::new();
    for join in joins.collect::<Vec<_>>() {
        joined.extend(join.await.unwrap());
    }
    let [login] = &joined[..] else { panic!("{} joined", joined.len()) };
    assert_eq!((login.person.roles(), login.person.groups()), (&roles[..], &groups[..]));
    let session = login.session.reveal();
    let known = engine.authority().session(&session, now).await.unwrap().unwrap();
    assert_eq!(known.name(), login.person.name());
}

pub(crate) async fn an_invitation_takes_no_name_that_is_taken_and_ends(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let roles = [Role::Reviewer];
    let invited = authority.invite(Actor::Operator, &roles, &[], now).await.unwrap();
    let taken = authority.join(&invited.token, &name("ana"), "b", now).await.map(|_| ());
    let told = matches!(taken, Err(AuthorityError::Illegal(IllegalChange::PersonExists(_))));
    assert!(told, "{taken:?}");
    let late = days(3).after(now);
    assert!(authority.join(&invited.token, &name("gus"), "b", late).await.unwrap().is_none());
    let forged = InviteToken::from_entropy([7; 32]);
    assert!(authority.join(&forged, &name("gus"), "b", now).await.unwrap().is_none());
    authority.join(&invited.token, &name("gus"), "b", now).await.unwrap().unwrap();
}

pub(crate) async fn of_two_owners_who_remove_each_other_one_stays(world: &mut World) {
    let (one, other) = (owner(world).await, person(world.engine(), "otto", &[Role::Owner]).await);
    let (engine, now) = (world.engine(), world.engine().now());
    let remove = async |by: &Person, whom: &Person| {
        engine.authority().remove_person(by.into(), whom.name(), now).await
    };
    let (first, second) = tokio::join!(remove(&one, &other), remove(&other, &one));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let directory = engine.authority().directory().await.unwrap();
    let owners = directory.people().filter(|(_, member)| member.roles.contains(&Role::Owner));
    assert_eq!(owners.count(), 1);
}

pub(crate) async fn changes_made_at_once_are_all_made(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let adds = (0..12).map(|number| {
        let engine = engine.clone();
        let name = AgentName::new(&format!("fay{number}")).unwrap();
        tokio::spawn(async move {
            engine.authority().add_agent(Actor::Operator, name, None, None, now).await.unwrap()
        })
    });
    for add in adds.collect::<Vec<_>>() {
        let key = add.await.unwrap().key.reveal();
        assert!(account(engine, &key).await.is_some());
    }
}

pub(crate) async fn an_entry_that_nobody_could_have_written_gives_nobody_anything(
    world: &mut World,
) {
    let (engine, now) = (world.engine(), world.engine().now());
    let (roles, groups) = (vec![Role::Owner], Vec::new());
    let change = Change::PersonAdded { name: name("mallory"), roles, groups };
    // As ana, who is no owner, and past the engine's own check.
    let event =
        WorkspaceEvent::AuthorityChanged { by: By::Person(name("ana")), change: Box::new(change) };
    let entry = NewEntry { at: now, happened: Happened::Workspace(event), body: None };
    let forged = Amendment { after: u64::MAX, entries: vec![entry], ..Amendment::default() };
    world.server().store.amend(&forged).await.unwrap();
    engine.authority().follow().await.unwrap();
    let directory = engine.authority().directory().await.unwrap();
    assert!(directory.person(&name("mallory")).is_none());
    // And the engine goes on.
    person(engine, "olga", &[Role::Owner]).await;
}

pub(crate) async fn who_was_removed_decides_nothing_and_comes_back_as_another(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let added = authority.add_or_renew_person(name("eve"), &[Role::Reviewer], &[], now).await;
    let added = added.unwrap();
    let login = authority.log_in(&added.login, "b", now).await.unwrap().unwrap();
    authority.remove_person(Actor::Operator, &name("eve"), now).await.unwrap();
    assert!(account(engine, &added.token.reveal()).await.is_none());
    assert!(authority.session(&login.session.reveal(), now).await.unwrap().is_none());
    authority.add_or_renew_person(name("eve"), &[Role::Reviewer], &[], now).await.unwrap();
    assert!(account(engine, &added.token.reveal()).await.is_none());
    assert!(authority.session(&login.session.reveal(), now).await.unwrap().is_none());
    assert!(world.server().store.notes().await.unwrap().iter().all(|note| note.label != "b"));
}

pub(crate) async fn nothing_is_granted_on_the_approval_of_who_was_removed(world: &mut World) {
    let eve = person(world.engine(), "eve", &[Role::Reviewer]).await;
    let (removed, demoted) = (world.ask("pay").await, world.ask("pay_more").await);
    for id in [removed, demoted] {
        world.says(&eve, id, Says::Approve).await.unwrap();
    }
    let (authority, now) = (world.engine().authority(), world.engine().now());
    let roles = [Role::Auditor];
    authority.set_person(Actor::Operator, &name("eve"), &roles, &[], now).await.unwrap();
    let refused = world.says(&world.ana, demoted, Says::Approve).await;
    let lapsed = |refused: &Result<_, DecideError>| {
        matches!(refused, Err(DecideError::Engine(EngineError::LapsedApproval(_))))
    };
    assert!(lapsed(&refused), "{refused:?}");
    authority.remove_person(Actor::Operator, &name("eve"), now).await.unwrap();
    let refused = world.says(&world.ana, removed, Says::Approve).await;
    assert!(lapsed(&refused), "{refused:?}");
    // Nor by an approval in the form of an edit that changes nothing.
    let engine = world.engine();
    let seen = Seen::digest(world.get(demoted).await.escalation.digest());
    let same = world.get(demoted).await.ask.action.as_ref().unwrap().arguments.clone();
    let refused = engine.approve_edited(demoted, &world.ana, same, seen, None).await;
    assert!(lapsed(&refused), "{refused:?}");
    // Refusing is always easy, and another action begins the count anew.
    world.says(&world.ana, removed, Says::Deny).await.unwrap();
    let arguments = object(&json!({"branch": "other"}));
    engine.approve_edited(demoted, &world.ana, arguments, seen, None).await.unwrap();
    world.says(&world.bo, demoted, Says::Approve).await.unwrap();
    assert_eq!(world.story(demoted).await.last(), Some(&"granted"));
}

pub(crate) async fn an_approval_lapses_with_the_group_whose_place_it_fills(world: &mut World) {
    let rule = "tool = \"wire\"\ntier = \"hard\"\nquorum = { security = 1, leads = 1 }\n";
    world.rewrite_policy(&format!("{POLICY}\n[[rule]]\n{rule}")).await;
    let (engine, now) = (world.engine(), world.engine().now());
    let group = |name: &str| [GroupName::new(name).unwrap()];
    let (authority, reviewer) = (engine.authority(), [Role::Reviewer]);
    let mut people = Vec::new();
    for (who, of) in [("eve", "security"), ("fay", "leads")] {
        let added = authority.add_or_renew_person(name(who), &reviewer, &group(of), now).await;
        let token = added.unwrap().token.reveal();
        let Some(Account::Person(person)) = account(engine, &token).await else { panic!("{who}") };
        people.push(person);
    }
    let id = world.ask("wire").await;
    world.says(&people[0], id, Says::Approve).await.unwrap();
    authority.set_person(Actor::Operator, &name("eve"), &reviewer, &[], now).await.unwrap();
    let refused = world.says(&people[1], id, Says::Approve).await;
    let left = Lapsed::LeftGroup { by: name("eve"), group: group("security")[0].clone() };
    let lapsed = matches!(
        &refused,
        Err(DecideError::Engine(EngineError::LapsedApproval(lapsed))) if *lapsed == left
    );
    assert!(lapsed, "{refused:?}");
    // Once she is back, it counts as it did.
    let security = group("security");
    authority.set_person(Actor::Operator, &name("eve"), &reviewer, &security, now).await.unwrap();
    world.says(&people[1], id, Says::Approve).await.unwrap();
    assert_eq!(world.story(id).await.last(), Some(&"granted"));
}

pub(crate) async fn an_approval_is_not_that_of_another_who_bears_the_name(world: &mut World) {
    let eve = person(world.engine(), "eve", &[Role::Reviewer]).await;
    let id = world.ask("pay").await;
    world.says(&eve, id, Says::Approve).await.unwrap();
    world.pass(minutes(1)).await;
    let (authority, now) = (world.engine().authority(), world.engine().now());
    authority.remove_person(Actor::Operator, &name("eve"), now).await.unwrap();
    let another = person(world.engine(), "eve", &[Role::Reviewer]).await;
    let refused = world.says(&world.ana, id, Says::Approve).await;
    let lapsed = matches!(
        refused,
        Err(DecideError::Engine(EngineError::LapsedApproval(Lapsed::Another { .. })))
    );
    assert!(lapsed, "{refused:?}");
    // Whoever bears the name now may take it back, and approve in their own right.
    world.says(&another, id, Says::Retract).await.unwrap();
    world.says(&another, id, Says::Approve).await.unwrap();
    world.says(&world.ana, id, Says::Approve).await.unwrap();
    assert_eq!(world.story(id).await.last(), Some(&"granted"));
}

pub(crate) async fn a_request_that_came_before_somebody_was_removed_does_nothing_after(
    world: &mut World,
) {
    let engine = world.engine();
    let eve = person(engine, "eve", &[Role::Reviewer]).await;
    let fay = world::agent(engine, "fay").await;
    let (authority, now) = (engine.authority(), engine.now());
    let id = world.ask("deploy").await;
    // She is known, and so is her request: then others are faster.
    authority.remove_person(Actor::Operator, &name("eve"), now).await.unwrap();
    for says in [Says::Approve, Says::Deny, Says::Take] {
        let refused = world.says(&eve, id, says).await;
        let gone = matches!(refused, Err(DecideError::Engine(EngineError::NotAReviewer(_))));
        assert!(gone, "{refused:?}");
    }
    let halted = engine.halt(&eve, halt::Scope::Everything, "smoke".into()).await;
    assert!(halted.is_err(), "{halted:?}");
    authority.revoke_agent(Actor::Operator, fay.name(), now).await.unwrap();
    let asked = engine.propose(&fay, call("deploy")).await;
    assert!(matches!(asked, Err(EngineError::ForbiddenTool { .. })), "{asked:?}");
    assert_eq!(world.story(id).await, ["proposed"]);
}

pub(crate) async fn a_change_of_roles_holds_from_the_next_request_on(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let added = authority.add_or_renew_person(name("eve"), &[Role::Reviewer], &[], now).await;
    let token = added.unwrap().token.reveal();
    authority.set_person(Actor::Operator, &name("eve"), &[Role::Auditor], &[], now).await.unwrap();
    let Some(Account::Person(eve)) = account(engine, &token).await else { panic!("still there") };
    let id = world.ask("deploy").await;
    let refused = world.says(&eve, id, Says::Approve).await;
    assert!(matches!(refused, Err(DecideError::NotAReviewer(_))), "{refused:?}");
}

pub(crate) async fn what_somebody_is_known_by_is_in_the_directory_alone(world: &mut World) {
    let (engine, now) = (world.engine(), world.engine().now());
    let forged = CredentialId::from_uuid(uuid::Uuid::from_u128(1));
    assert!(!engine.authority().is_in_force(forged, now));
    let token = sayso_core::credential::ReviewerToken::from_entropy([9; 32]);
    assert!(account(engine, &token.reveal()).await.is_none());
    // A row of notes, or anything else beside the ledger, makes nobody of it.
    let note = sayso_store::Note { id: forged, label: "ana".into(), used_at: None };
    let event = WorkspaceEvent::PolicyLoaded { policy: Digest::of(b"x") };
    let entry = NewEntry { at: now, happened: Happened::Workspace(event), body: None };
    let slipped = Amendment {
        after: u64::MAX,
        entries: vec![entry],
        notes: vec![note],
        ..Amendment::default()
    };
    world.server().store.amend(&slipped).await.unwrap();
    engine.authority().follow().await.unwrap();
    assert!(account(engine, &token.reveal()).await.is_none());
}

/// On two servers: what one changes, the other knows after a second at the latest.
pub(crate) async fn a_change_on_one_holds_on_the_other_within_a_second(
    world: &World,
    other: &Server,
) {
    let (engine, now) = (world.engine(), world.engine().now());
    let authority = engine.authority();
    let added = authority.add_or_renew_person(name("eve"), &[Role::Reviewer], &[], now).await;
    let token = added.unwrap().token.reveal();
    eventually("the other knows her", async || account(&other.engine, &token).await.is_some())
        .await;
    let began = std::time::Instant::now();
    authority.remove_person(Actor::Operator, &name("eve"), now).await.unwrap();
    assert!(account(engine, &token).await.is_none(), "here at once");
    eventually("the other knows her no more", async || {
        account(&other.engine, &token).await.is_none()
    })
    .await;
    // A second, and what a busy machine adds to it.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
