//! Who counts: people of several groups, those who answer for the agent, and whoever takes an
//! approval back.

use std::num::NonZeroU8;

use sayso_core::credential::Person;
use sayso_core::decision::{Edit, Says, Seen, VerifiedDecision};
use sayso_core::escalation::{Outcome, Proposal};
use sayso_core::{
    Command, Event, GroupName, Needed, Refusal, ReviewerName, SelfApproval, Tier, Verdict,
};

use crate::world::{Beginning, Bytes, Step, Who, World, agent_of, member, nonce, person, verdict};

/// One of security and one of leads.
fn both() -> Needed {
    let one = |name| (GroupName::new(name).unwrap(), NonZeroU8::MIN);
    Needed::of_groups(NonZeroU8::MIN, [one("security"), one("leads")].into())
}

fn hard(terms: Verdict) -> World {
    let proposal = Beginning::Action(Tier::Hard, 1).proposal();
    let agent = agent_of("builder", Some("ana"));
    World::propose(Proposal { agent, verdict: terms, ..proposal }).unwrap()
}

fn says(world: &mut World, person: &Person, says: Says) -> Result<Vec<&'static str>, Refusal> {
    let seen = Seen::digest(world.escalation.digest());
    let decision = VerifiedDecision::in_session(person, says, seen).unwrap();
    let said = world.give(&Command::Decide(decision), &mut |_| {});
    said.map(|events| events.iter().map(Event::word).collect())
}

fn approves(world: &mut World, person: &Person) -> Result<Vec<&'static str>, Refusal> {
    says(world, person, Says::Approve)
}

#[test]
fn two_of_one_group_are_not_one_of_each() {
    let mut world = hard(Verdict { quorum: both(), ..verdict(Tier::Hard, 1) });
    let lead = |name| member(name, &["leads"], &[]);
    assert_eq!(approves(&mut world, &lead("bo")), Ok(vec!["approved"]));
    assert_eq!(approves(&mut world, &lead("cy")), Ok(vec!["approved"]));
    assert_eq!(approves(&mut world, &person("di")), Ok(vec!["approved"]));
    let guard = member("ed", &["security", "leads"], &[]);
    assert_eq!(approves(&mut world, &guard), Ok(vec!["approved", "granted"]));
}

#[test]
fn one_person_in_both_groups_fills_one_place() {
    let mut world = hard(Verdict { quorum: both(), ..verdict(Tier::Hard, 1) });
    let of_both = member("bo", &["security", "leads"], &[]);
    assert_eq!(approves(&mut world, &of_both), Ok(vec!["approved"]));
    let again = approves(&mut world, &of_both);
    assert!(matches!(again, Err(Refusal::AlreadyApproved { .. })), "{again:?}");
}

#[test]
fn a_policy_that_asks_other_groups_today_is_not_satisfied() {
    let mut world = hard(verdict(Tier::Hard, 2));
    approves(&mut world, &member("bo", &["leads"], &[])).unwrap();
    approves(&mut world, &member("cy", &["security"], &[])).unwrap();
    let grant = &world.granted().unwrap().grant;
    assert!(grant.satisfies(&verdict(Tier::Hard, 2)));
    // Which groups they were in was not asked, and is not known.
    assert!(!grant.satisfies(&Verdict { quorum: both(), ..verdict(Tier::Hard, 1) }));
}

#[test]
fn who_answers_for_the_agent_may_approve_and_the_grant_says_so() {
    let mut world = hard(verdict(Tier::Hard, 1));
    approves(&mut world, &person("ana")).unwrap();
    let grant = world.granted().unwrap().grant.clone();
    assert_eq!(grant.own(), [ReviewerName::new("ana").unwrap()]);
    let never = Verdict { self_approval: SelfApproval::Never, ..verdict(Tier::Hard, 1) };
    assert!(!grant.satisfies(&never), "the policy of today would not have let them");
}

#[test]
fn where_the_policy_says_never_neither_owner_nor_starter_nor_stand_in_approves() {
    let never = Verdict { self_approval: SelfApproval::Never, ..verdict(Tier::Hard, 1) };
    let proposal = Beginning::Action(Tier::Hard, 1).proposal();
    let agent = agent_of("builder", Some("ana"));
    let started_by = Some(ReviewerName::new("bo").unwrap());
    let proposal = Proposal { agent, started_by, verdict: never, ..proposal };
    let mut world = World::propose(proposal).unwrap();
    for own in [person("ana"), person("bo"), member("cy", &[], &["zoe", "ana"])] {
        let refused = approves(&mut world, &own).unwrap_err();
        assert!(matches!(refused, Refusal::OwnAgent { .. }), "{refused}");
        let edit = Edit {
            digest: Bytes::Edited.digest(),
            verdict: world.escalation.verdict().clone(),
            ceremony: nonce(1),
        };
        let refused = says(&mut world, &own, Says::ApproveEdited(edit)).unwrap_err();
        assert!(matches!(refused, Refusal::OwnAgent { .. }), "{refused}");
    }
    let text = approves(&mut world, &member("cy", &[], &["ana"])).unwrap_err().to_string();
    assert!(text.starts_with("cy stands in for ana, who answers for this agent"), "{text}");
    assert_eq!(approves(&mut world, &member("di", &[], &["zoe"])), Ok(vec!["approved", "granted"]));
}

#[test]
fn who_may_not_approve_may_always_refuse() {
    let never = Verdict { self_approval: SelfApproval::Never, ..verdict(Tier::Hard, 1) };
    let mut world = hard(never);
    assert_eq!(says(&mut world, &person("ana"), Says::Deny), Ok(vec!["denied"]));
    assert_eq!(world.escalation.settled().unwrap().outcome, Outcome::Denied);
}

#[test]
fn an_approval_taken_back_counts_no_more_and_may_be_given_again() {
    let mut world = World::new(Beginning::Action(Tier::Hard, 2));
    let words =
        world.all(&[Step::Approve(Who::Ana), Step::Retract(Who::Ana), Step::Approve(Who::Bo)]);
    assert_eq!(words, ["approved", "retracted", "approved"]);
    assert!(world.escalation.is_pending());
    let refused = world.refused(Step::Retract(Who::Cy));
    assert!(matches!(refused, Refusal::NotApproved { .. }), "{refused}");
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
    // Then it is a refusal that takes it back.
    let refused = world.refused(Step::Retract(Who::Ana));
    assert!(matches!(refused, Refusal::AlreadySettled { .. }), "{refused}");
}
