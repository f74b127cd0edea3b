//! The ordinary stories, one sentence each. Every turn of them is put to all laws as well.

use sayso_core::credential::Role;
use sayso_core::decision::{Assurance, Edit, NotAReviewer, Says, Seen, VerifiedDecision};
use sayso_core::escalation::{
    AskAgain, EXPIRES_AFTER, Outcome, PERMIT_LASTS, PermitState, Proposal, RECEIPT_WITHIN,
    ReceiptResult, RefusedProposal, TAKE_LASTS, WaitingFor,
};
use sayso_core::grant::{Basis, HeardSilence};
use sayso_core::question::BadQuestion;
use sayso_core::{
    Command, Escalation, Event, Moment, Period, Question, Refusal, ReviewerName, Tier, Verdict,
    decide,
};
use serde_json::json;

use crate::laws;
use crate::world::{
    Beginning, Bytes, LIMIT, Listener, Program, Step, Today, UNHEARD, WINDOW, Who, World, dawn,
    decision, halt, minutes, nonce, question, reviewer, verdict,
};

const SECOND: Period = Period::from_secs(1);

fn begin(tier: Tier, quorum: u8) -> World {
    World::new(Beginning::Action(tier, quorum))
}

fn heard(period: Period) -> Step {
    Step::Pass(period, Listener::There)
}

fn unheard(period: Period) -> Step {
    Step::Pass(period, Listener::Gone)
}

const REDEEM: Step = Step::Redeem(Program::Executor, Today::Same);

fn outcome(world: &World) -> Outcome {
    world.escalation.settled().unwrap().outcome
}

fn basis(world: &World) -> Basis {
    world.escalation.settled().unwrap().basis().unwrap()
}

fn waits_for(world: &World) -> WaitingFor {
    world.escalation.waiting_for(&world.moment()).unwrap()
}

/// A soft action of which all but a second of its window has been heard.
fn nearly_granted() -> World {
    let mut world = begin(Tier::Soft, 1);
    world.all(&[Step::Deliver, heard(WINDOW.minus(SECOND)), Step::Tick(0)]);
    assert!(world.escalation.is_pending());
    world
}

fn granted_by_silence() -> World {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
    world
}

fn granted_by_ana() -> World {
    let mut world = begin(Tier::Hard, 1);
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
    world
}

// Notices.

#[test]
fn a_notice_is_noted_at_once_and_waits_for_nobody() {
    let mut world = begin(Tier::Fyi, 1);
    assert_eq!((outcome(&world), world.escalation.tier()), (Outcome::Noted, Tier::Fyi));
    assert_eq!(world.escalation.due(&world.moment()), sayso_core::escalation::Due::default());
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "noted" });
}

#[test]
fn a_notice_under_a_halt_is_halted_and_is_still_a_notice() {
    let proposal = Beginning::Action(Tier::Fyi, 1).proposal();
    let world = World::propose_under(proposal, Some(halt(1))).unwrap();
    assert_eq!((outcome(&world), world.escalation.tier()), (Outcome::Halted, Tier::Fyi));
}

// Tiers and windows that an agent asks for.

#[test]
fn an_agent_raises_its_tier_and_never_lowers_it() {
    let tiers = [Tier::Fyi, Tier::Soft, Tier::Hard];
    for (policy, asked) in tiers.iter().flat_map(|p| tiers.iter().map(move |a| (*p, *a))) {
        let proposal = Beginning::Action(policy, 1).proposal();
        let world = World::propose(Proposal { tier: Some(asked), ..proposal }).unwrap();
        assert_eq!(world.escalation.tier(), policy.max(asked), "{policy} raised by {asked}");
        assert_eq!(world.escalation.verdict().tier, policy.max(asked));
    }
}

#[test]
fn an_agent_lengthens_its_window_and_never_shortens_it() {
    for (asked, window) in [(minutes(1), WINDOW), (minutes(60), minutes(60))] {
        let proposal = Beginning::Action(Tier::Soft, 1).proposal();
        let world = World::propose(Proposal { window: Some(asked), ..proposal }).unwrap();
        assert_eq!(world.escalation.verdict().window, window);
    }
}

#[test]
fn a_window_of_no_time_or_of_months_is_refused() {
    for window in [Period::ZERO, Period::from_secs(31 * 86_400)] {
        let proposal = Beginning::Action(Tier::Soft, 1).proposal();
        let refused = World::propose(Proposal { window: Some(window), ..proposal }).err();
        assert_eq!(refused, Some(RefusedProposal::Window));
    }
}

// Soft.

#[test]
fn a_window_of_heard_silence_grants_to_the_second() {
    let mut world = nearly_granted();
    assert_eq!(waits_for(&world), WaitingFor::Silence);
    assert_eq!(world.escalation.deadline(&world.moment()), Some(SECOND.after(world.at)));
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
    assert_eq!((outcome(&world), basis(&world)), (Outcome::Granted, Basis::Silence));
    assert_eq!(world.granted().unwrap().grant.silence(), Some((WINDOW, WINDOW)));
    assert!(world.granted().unwrap().grant.by().is_empty());
}

#[test]
fn a_closed_laptop_grants_nothing_however_long_it_stays_closed() {
    let mut world = nearly_granted();
    world.all(&[unheard(UNHEARD.minus(SECOND)), Step::Tick(0)]);
    assert_eq!(waits_for(&world), WaitingFor::Listener);
    assert_eq!(world.escalation.deadline(&world.moment()), None);
    assert_eq!(world.all(&[unheard(SECOND), Step::Tick(0)]), ["hardened"]);
    assert_eq!(world.escalation.tier(), Tier::Hard);
    assert_eq!(world.all(&[heard(minutes(600)), Step::Tick(0)]), [""; 0]);
}

#[test]
fn silence_goes_on_where_it_was_when_somebody_listens_again() {
    let mut world = nearly_granted();
    let words = world.all(&[unheard(minutes(5)), heard(SECOND), Step::Tick(0)]);
    assert_eq!(words, ["granted"]);
}

#[test]
fn what_was_shown_to_nobody_becomes_hard_though_somebody_listens_elsewhere() {
    let mut world = begin(Tier::Soft, 1);
    assert!(world.escalation.is_undelivered());
    assert_eq!(world.all(&[heard(UNHEARD.minus(SECOND)), Step::Tick(0)]), [""; 0]);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["hardened"]);
}

#[test]
fn being_shown_it_a_second_time_changes_nothing() {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[Step::Deliver]), [""; 0]);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn a_step_of_the_wall_clock_grants_nothing() {
    let mut world = nearly_granted();
    world.all(&[unheard(SECOND), Step::WallBack(minutes(300)), Step::Tick(0)]);
    world.all(&[heard(SECOND.minus(Period::from_micros(1))), Step::Tick(0)]);
    assert!(world.escalation.is_pending(), "a microsecond is missing");
}

#[test]
fn listening_that_a_crash_lost_is_listened_to_again() {
    let mut world = nearly_granted();
    world.all(&[Step::ListeningBack(minutes(2)), heard(minutes(2)), Step::Tick(0)]);
    assert!(world.escalation.is_pending());
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn a_restored_snapshot_of_the_listening_clock_earns_nothing() {
    let mut world = begin(Tier::Soft, 1);
    world.all(&[heard(minutes(15)), Step::Deliver, Step::ListeningBack(minutes(15))]);
    assert_eq!(world.all(&[Step::Tick(0)]), [""; 0]);
    assert_eq!(world.escalation.heard(&world.moment()), Some(Period::ZERO));
}

#[test]
fn one_approval_grants_a_soft_action_before_its_window_has_passed() {
    let mut world = begin(Tier::Soft, 1);
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
    assert_eq!((basis(&world), world.escalation.tier()), (Basis::Decision, Tier::Soft));
}

#[test]
fn silence_may_finish_what_one_of_two_approvals_began() {
    let mut world = begin(Tier::Soft, 2);
    world.all(&[Step::Deliver, Step::Approve(Who::Ana)]);
    assert_eq!(world.all(&[heard(WINDOW), Step::Tick(0)]), ["granted"]);
    assert_eq!(basis(&world), Basis::Silence);
}

#[test]
fn a_veto_before_the_deadline_ends_it() {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[Step::Veto(Who::Bo)]), ["vetoed"]);
    assert_eq!(world.all(&[heard(minutes(60)), Step::Tick(0)]), [""; 0]);
    assert_eq!(outcome(&world), Outcome::Vetoed);
    assert_eq!(outcome(&world).ask_again(), AskAgain::WhenChanged);
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "vetoed" });
}

#[test]
fn a_veto_after_the_deadline_kills_the_permit_until_it_is_redeemed() {
    let mut world = granted_by_silence();
    assert_eq!(world.all(&[Step::VetoBlind(Who::Bo)]), ["vetoed"]);
    assert_eq!(world.granted().unwrap().permit, PermitState::Revoked);
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "vetoed" });

    let mut world = granted_by_silence();
    world.all(&[REDEEM]);
    let too_late = Refusal::AlreadySettled { outcome: Outcome::Granted, by: None };
    assert_eq!(world.refused(Step::Veto(Who::Bo)), too_late);
}

#[test]
fn the_silent_grant_above_the_limit_becomes_hard() {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(LIMIT)]), ["hardened"]);
    assert_eq!(world.all(&[heard(WINDOW), Step::Tick(0)]), [""; 0]);
    assert_eq!(waits_for(&world), WaitingFor::Decision);

    let mut world = nearly_granted();
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(LIMIT - 1)]), ["granted"]);
}

#[test]
fn hold_makes_soft_hard_and_silence_is_nothing_from_then_on() {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[Step::Hold(Who::Cy)]), ["hardened"]);
    assert_eq!(world.all(&[heard(minutes(60)), Step::Tick(0)]), [""; 0]);
    assert_eq!(world.refused(Step::Hold(Who::Cy)), Refusal::AlreadyHard);
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
    assert_eq!(world.escalation.settled().unwrap().tier, Tier::Hard);
}

#[test]
fn a_take_pauses_the_silence_until_it_lapses() {
    let mut world = nearly_granted();
    world.all(&[Step::Take(Who::Ana), heard(TAKE_LASTS.minus(SECOND)), Step::Tick(0)]);
    assert_eq!(waits_for(&world), WaitingFor::Taker);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["lapsed"]);
    assert!(world.escalation.taken().is_none());
    assert_eq!(world.all(&[Step::Tick(0)]), [""; 0]);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn a_second_take_begins_the_pause_anew() {
    let mut world = nearly_granted();
    world.all(&[Step::Take(Who::Ana), heard(minutes(10)), Step::Take(Who::Bo)]);
    assert_eq!(world.all(&[heard(minutes(10)), Step::Tick(0)]), [""; 0]);
    assert_eq!(world.escalation.taken().unwrap().by.as_str(), "bo");
    assert_eq!(world.all(&[heard(minutes(5)), Step::Tick(0)]), ["lapsed"]);
}

#[test]
fn what_is_shown_during_a_take_is_shown_again_after_it() {
    let mut world = begin(Tier::Soft, 1);
    world.all(&[Step::Take(Who::Ana), Step::Deliver]);
    assert!(world.escalation.is_undelivered());
    world.all(&[heard(TAKE_LASTS), Step::Tick(0), heard(WINDOW), Step::Tick(0)]);
    assert!(world.escalation.is_pending(), "nobody was shown it after the take");
    assert_eq!(world.all(&[Step::Deliver, heard(WINDOW), Step::Tick(0)]), ["delivered", "granted"]);
}

// Hard.

#[test]
fn a_hard_action_waits_for_as_many_people_as_its_quorum() {
    let mut world = begin(Tier::Hard, 3);
    assert_eq!(world.all(&[Step::Approve(Who::Cy), Step::Approve(Who::Ana)]), ["approved"; 2]);
    assert_eq!(world.all(&[Step::Approve(Who::Bo)]), ["approved", "granted"]);
    let names: Vec<_> =
        world.granted().unwrap().grant.by().iter().map(ReviewerName::as_str).collect();
    assert_eq!(names, ["ana", "bo", "cy"]);
    assert_eq!((basis(&world), world.escalation.tier()), (Basis::Decision, Tier::Hard));
}

#[test]
fn time_alone_never_grants_a_hard_action() {
    let mut world = begin(Tier::Hard, 1);
    assert_eq!(world.all(&[Step::Deliver, heard(minutes(6_000)), Step::Tick(0)]), [""; 0]);
    world.all(&[heard(EXPIRES_AFTER), Step::Tick(0)]);
    assert_eq!((outcome(&world), outcome(&world).ask_again()), (Outcome::Expired, AskAgain::Yes));
}

#[test]
fn one_person_is_one_vote_however_often_they_approve() {
    let mut world = begin(Tier::Hard, 2);
    world.all(&[Step::Approve(Who::Ana)]);
    let by = Who::Ana.person().name().clone();
    assert_eq!(world.refused(Step::Approve(Who::Ana)), Refusal::AlreadyApproved { by: by.clone() });
    assert_eq!(world.refused(Step::EditNothing(Who::Ana)), Refusal::AlreadyApproved { by });
}

/// Nothing writes such histories. Were one to come from elsewhere, it would grant nothing.
#[test]
fn a_history_that_names_a_person_twice_or_other_bytes_still_lacks_a_quorum() {
    let mut world = begin(Tier::Hard, 3);
    world.all(&[Step::Approve(Who::Ana)]);
    let Some((_, ana)) = world.history.last().cloned() else { panic!("no history") };
    let mut elsewhere = serde_json::to_value(&ana).unwrap();
    elsewhere["by"] = json!("cy");
    elsewhere["digest"] = json!(Bytes::Edited.digest());
    let elsewhere = serde_json::from_value(elsewhere).unwrap();
    for forged in [&ana, &elsewhere] {
        world.escalation = world.escalation.clone().apply(forged, world.at).unwrap();
    }
    let approve = decision(Who::Bo, Says::Approve, Seen::digest(Bytes::Proposed.digest()));
    let events = decide(&world.escalation, &approve, &world.moment()).unwrap();
    assert!(matches!(&events[..], [Event::Approved { .. }]), "{events:?}");
}

#[test]
fn a_refusal_kills_an_unused_hard_grant_and_is_called_a_denial() {
    let mut world = granted_by_ana();
    assert_eq!(world.all(&[Step::Veto(Who::Bo)]), ["denied"]);
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "denied" });
}

// What was seen.

#[test]
fn nobody_approves_what_they_did_not_see() {
    let mut world = begin(Tier::Hard, 1);
    let now = world.escalation.digest();
    assert_eq!(world.refused(Step::ApproveOther(Who::Ana)), Refusal::DigestMoved { now });
    assert_eq!(world.refused(Step::ApproveBlind(Who::Ana)), Refusal::DigestMissing);
    let version = Refusal::VersionMoved { now: world.escalation.version() };
    assert_eq!(world.refused(Step::ApproveEarlier(Who::Ana)), version);
}

#[test]
fn refusing_needs_no_proof_of_having_looked() {
    for (tier, word) in [(Tier::Soft, "vetoed"), (Tier::Hard, "denied")] {
        let mut world = begin(tier, 1);
        assert_eq!(world.all(&[Step::VetoBlind(Who::Ana)]), [word]);
    }
}

#[test]
fn only_a_reviewer_decides() {
    let auditor = reviewer("dora", vec![Role::Auditor, Role::Owner]);
    let refused = VerifiedDecision::in_session(&auditor, Says::Veto, Seen::default());
    assert_eq!(refused.unwrap_err(), NotAReviewer(auditor.name().clone()));
}

// Edits.

#[test]
fn an_edit_is_a_new_digest_which_only_its_editor_has_approved() {
    let mut world = begin(Tier::Hard, 2);
    let words = world.all(&[Step::Approve(Who::Ana), Step::Edit(Who::Bo, Tier::Hard, 2)]);
    assert_eq!(words, ["approved", "edited", "approved"]);
    assert_eq!(world.escalation.digest(), Bytes::Edited.digest());
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
}

#[test]
fn approvals_that_fell_by_an_edit_do_not_rise_when_it_is_edited_back() {
    let mut world = begin(Tier::Hard, 2);
    let edit = |who| Step::Edit(who, Tier::Hard, 2);
    world.all(&[Step::Approve(Who::Ana), edit(Who::Bo), edit(Who::Cy)]);
    assert_eq!(world.escalation.digest(), Bytes::Proposed.digest());
    assert_eq!(world.escalation.approvals().len(), 1, "cy, and neither ana nor bo");
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
}

#[test]
fn an_edit_begins_the_silence_anew_and_must_be_shown_again() {
    let mut world = begin(Tier::Soft, 2);
    world.all(&[Step::Deliver, heard(WINDOW.minus(SECOND)), Step::Edit(Who::Ana, Tier::Soft, 2)]);
    world.all(&[heard(WINDOW), Step::Tick(0)]);
    assert!(world.escalation.is_undelivered());
    world.all(&[Step::Deliver, heard(WINDOW.minus(SECOND)), Step::Tick(0)]);
    assert!(world.escalation.is_pending());
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn an_edit_into_something_hard_is_hard() {
    let mut world = begin(Tier::Soft, 1);
    let words = world.all(&[Step::Edit(Who::Ana, Tier::Hard, 2)]);
    assert_eq!(words, ["edited", "hardened", "approved"]);
    assert_eq!(world.all(&[Step::Approve(Who::Bo)]), ["approved", "granted"]);
    assert_eq!(world.escalation.tier(), Tier::Hard);

    let mut world = begin(Tier::Soft, 2);
    let words = world.all(&[Step::Edit(Who::Ana, Tier::Hard, 1)]);
    assert_eq!(words, ["edited", "hardened", "approved", "granted"]);
    assert_eq!(world.granted().unwrap().grant.tier(), Tier::Hard);
}

#[test]
fn an_edit_never_lowers_the_tier_or_the_window() {
    for tier in [Tier::Soft, Tier::Hard] {
        let mut world = begin(tier, 2);
        let short = Verdict { window: SECOND, ..verdict(Tier::Fyi, 2) };
        let edit = Edit { digest: Bytes::Edited.digest(), verdict: short, ceremony: nonce(1) };
        let seen = Seen::digest(world.escalation.digest());
        let edited = decision(Who::Ana, Says::ApproveEdited(edit), seen);
        world.give(&edited, &mut laws::hold).unwrap();
        assert_eq!((world.escalation.tier(), world.escalation.verdict().tier), (tier, tier));
        assert_eq!(world.escalation.verdict().window, WINDOW);
    }
}

// Questions.

#[test]
fn a_soft_question_takes_its_default_from_heard_silence() {
    let mut world = World::new(Beginning::Question(Tier::Soft));
    assert_eq!(
        world.all(&[Step::Deliver, heard(WINDOW), Step::Tick(0)]),
        ["delivered", "answered"]
    );
    assert_eq!((outcome(&world), basis(&world)), (Outcome::Answered, Basis::Silence));
    assert_eq!(world.escalation.settled().unwrap().by, None);
}

#[test]
fn a_hard_question_waits_for_a_person_to_answer() {
    let mut world = World::new(Beginning::Question(Tier::Hard));
    assert_eq!(world.all(&[Step::Deliver, heard(minutes(600)), Step::Tick(0)]), [""; 0]);
    assert_eq!(world.all(&[Step::Answer(Who::Bo)]), ["answered"]);
    assert_eq!(basis(&world), Basis::Decision);
    assert_eq!(world.escalation.settled().unwrap().by.as_ref(), Some(Who::Bo.person().name()));
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "answered" });
}

#[test]
fn an_answer_is_one_of_those_asked_for() {
    let mut world = World::new(Beginning::Question(Tier::Soft));
    let Refusal::BadAnswer(why) = world.refused(Step::AnswerBadly(Who::Ana)) else {
        panic!("another refusal")
    };
    assert_eq!(why, "must be one of \"blue\", \"green\"");
}

#[test]
fn a_question_is_not_approved_and_an_action_is_not_answered() {
    let mut asked = World::new(Beginning::Question(Tier::Soft));
    assert_eq!(asked.refused(Step::Approve(Who::Ana)), Refusal::IsQuestion);
    assert_eq!(asked.refused(Step::Edit(Who::Ana, Tier::Soft, 1)), Refusal::IsQuestion);
    assert_eq!(begin(Tier::Soft, 1).refused(Step::Answer(Who::Ana)), Refusal::IsAction);
}

#[test]
fn a_question_is_soft_with_a_default_or_hard() {
    let proposal = Beginning::Question(Tier::Fyi).proposal();
    assert_eq!(World::propose(proposal).err(), Some(RefusedProposal::FyiQuestion));
    let open: Question = serde_json::from_value(json!({"text": "Which colour?"})).unwrap();
    let subject = sayso_core::escalation::Subject::question(&open).unwrap();
    let soft = Proposal { subject, ..Beginning::Question(Tier::Soft).proposal() };
    assert_eq!(World::propose(soft.clone()).err(), Some(RefusedProposal::NoDefault));
    assert!(World::propose(Proposal { tier: Some(Tier::Hard), ..soft }).is_ok());
    let bad = Question { default: Some(json!("red")), ..question() };
    assert!(matches!(bad.form(), Err(BadQuestion::Default(_))));
}

// Halts.

#[test]
fn a_lifted_halt_gives_back_the_time_that_was_left() {
    let mut world = nearly_granted();
    assert_eq!(world.all(&[Step::Halt(1), heard(minutes(60)), Step::Tick(0)]), ["frozen"]);
    assert_eq!((waits_for(&world), world.escalation.frozen()), (WaitingFor::Lift, Some(halt(1))));
    assert_eq!(world.all(&[Step::Lift(1), Step::Tick(0)]), ["thawed"]);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn a_halt_that_has_not_reached_it_yet_freezes_it_at_the_next_look() {
    let mut world = nearly_granted();
    let words = world.all(&[Step::HaltFar(1), heard(SECOND), Step::Tick(0)]);
    assert_eq!(words, ["frozen"], "and not granted, though its window is full");
}

#[test]
fn under_a_halt_nothing_is_approved_and_everything_can_be_refused() {
    let mut world = begin(Tier::Hard, 1);
    world.all(&[Step::Halt(1)]);
    assert_eq!(world.refused(Step::Approve(Who::Ana)), Refusal::Halted { halt: halt(1) });
    assert_eq!(
        world.refused(Step::Edit(Who::Ana, Tier::Fyi, 1)),
        Refusal::Halted { halt: halt(1) }
    );
    assert_eq!(world.all(&[Step::Deny(Who::Ana)]), ["denied"]);
}

#[test]
fn of_two_halts_the_second_holds_on_when_the_first_is_lifted() {
    let mut world = nearly_granted();
    world.all(&[Step::Halt(1), Step::Halt(2), Step::Lift(1)]);
    assert_eq!(world.escalation.frozen(), Some(halt(2)));
    assert_eq!(world.all(&[heard(WINDOW), Step::Tick(0)]), [""; 0]);
    world.all(&[Step::Lift(2)]);
    assert_eq!(world.all(&[heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn under_a_halt_that_was_lifted_far_away_time_stands_still_and_people_may_approve() {
    let mut world = nearly_granted();
    world.all(&[Step::Take(Who::Ana), Step::Halt(1), Step::LiftFar(1)]);
    assert_eq!(world.all(&[unheard(minutes(60)), Step::Tick(0)]), [""; 0]);
    assert_eq!(world.all(&[Step::Approve(Who::Ana)]), ["approved", "granted"]);
}

#[test]
fn another_halts_end_thaws_nothing() {
    let mut world = nearly_granted();
    world.all(&[Step::Halt(1)]);
    assert_eq!(world.all(&[Step::ThawStray(2), heard(WINDOW), Step::Tick(0)]), [""; 0]);
}

#[test]
fn a_halt_takes_back_a_grant_that_is_not_used_yet() {
    let mut world = granted_by_ana();
    assert_eq!(world.all(&[Step::Halt(1), Step::Lift(1)]), ["halted"]);
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "halted" });
    assert_eq!(outcome(&world).ask_again(), AskAgain::WhenLifted);
}

#[test]
fn a_halt_that_has_not_reached_a_grant_yet_still_stops_it() {
    let mut world = granted_by_ana();
    world.all(&[Step::HaltFar(1)]);
    assert_eq!(world.refused(REDEEM), Refusal::Halted { halt: halt(1) });
}

#[test]
fn a_halt_does_not_undo_what_has_started() {
    let mut world = granted_by_ana();
    assert_eq!(world.all(&[REDEEM, Step::Halt(1)]), ["started"]);
    let reported = world.all(&[Step::Report(Program::Executor, ReceiptResult::Succeeded)]);
    assert_eq!(reported, ["receipted"]);
}

#[test]
fn a_take_and_a_halt_end_each_in_its_own_time() {
    let mut world = nearly_granted();
    world.all(&[Step::Take(Who::Ana), Step::Halt(1), heard(TAKE_LASTS), Step::Tick(0)]);
    assert!(world.escalation.taken().is_some(), "nothing lapses while it is frozen");
    assert_eq!(world.all(&[Step::Lift(1), Step::Tick(0)]), ["thawed", "lapsed"]);
    assert_eq!(world.all(&[Step::Tick(0), heard(SECOND), Step::Tick(0)]), ["granted"]);
}

#[test]
fn what_is_proposed_under_a_halt_ends_at_once() {
    for beginning in [Beginning::Action(Tier::Soft, 1), Beginning::Question(Tier::Hard)] {
        let world = World::propose_under(beginning.proposal(), Some(halt(1))).unwrap();
        assert_eq!(outcome(&world), Outcome::Halted);
    }
}

// Permits and receipts.

#[test]
fn a_grant_is_used_once() {
    let mut world = granted_by_ana();
    let at = world.at;
    assert_eq!(world.all(&[REDEEM]), ["started"]);
    assert_eq!(world.refused(REDEEM), Refusal::AlreadyRedeemed { at });
    world.all(&[Step::Report(Program::Executor, ReceiptResult::Failed)]);
    assert_eq!(world.refused(REDEEM), Refusal::AlreadyRedeemed { at }, "not even when it failed");
}

#[test]
fn a_permit_is_for_its_executor_and_not_even_for_who_asked() {
    let mut world = granted_by_ana();
    for caller in [Program::Owner, Program::Stranger] {
        let refused = world.refused(Step::Redeem(caller, Today::Same));
        let executor = Program::Executor.name().clone();
        let wrong = Refusal::WrongAudience { executor, caller: caller.name().clone() };
        assert_eq!(refused, wrong);
    }
}

#[test]
fn a_permit_expires_to_the_second() {
    let mut world = granted_by_ana();
    let at = PERMIT_LASTS.after(world.at);
    let mut late = world.clone();
    world.all(&[unheard(PERMIT_LASTS.minus(SECOND)), REDEEM]);
    late.all(&[unheard(PERMIT_LASTS)]);
    assert_eq!(late.refused(REDEEM), Refusal::PermitExpired { at });
}

#[test]
fn an_edit_settles_how_strong_approvals_are_and_how_long_the_permit_lasts() {
    let edit = |world: &mut World, assurance, permit_lasts| {
        let verdict = Verdict { assurance, permit_lasts, ..verdict(Tier::Hard, 1) };
        let edit = Edit { digest: Bytes::Edited.digest(), verdict, ceremony: nonce(1) };
        let seen = Seen::digest(world.escalation.digest());
        let edited = decision(Who::Ana, Says::ApproveEdited(edit), seen);
        world.give(&edited, &mut laws::hold)
    };
    let mut world = begin(Tier::Hard, 1);
    let refused = edit(&mut world, Assurance::Signed, PERMIT_LASTS).unwrap_err();
    assert_eq!(refused, Refusal::TooWeak { needed: Assurance::Signed });
    assert!(world.escalation.is_pending());

    edit(&mut world, Assurance::Session, minutes(1)).unwrap();
    let permit = world.escalation.settled().and_then(|settled| settled.permit().cloned());
    assert_eq!(permit, Some(PermitState::Issued { expires_at: minutes(1).after(world.at) }));
    let grant = &world.granted().unwrap().grant;
    assert_eq!(grant.assurance(), Some(Assurance::Session));
    let more = Verdict { assurance: Assurance::Signed, ..verdict(Tier::Hard, 1) };
    assert!(!grant.satisfies(&more), "a policy that asks for more today is not satisfied");
}

#[test]
fn a_policy_that_became_stricter_stops_what_was_granted_under_the_old_one() {
    let tighter = |tier| Refusal::PolicyTightened { tier };
    let redeem = |today| Step::Redeem(Program::Executor, today);
    let mut silent = granted_by_silence();
    assert_eq!(silent.refused(redeem(Today::Hard(1))), tighter(Tier::Hard));
    assert_eq!(silent.refused(redeem(Today::LongerWindow)), tighter(Tier::Soft));
    assert_eq!(silent.all(&[redeem(Today::Looser)]), ["started"]);
    let mut decided = granted_by_ana();
    assert_eq!(decided.refused(redeem(Today::Hard(2))), tighter(Tier::Hard));
    assert_eq!(decided.all(&[redeem(Today::Hard(1))]), ["started"]);
}

#[test]
fn a_soft_quorum_that_grew_stops_what_too_few_people_approved() {
    let mut world = begin(Tier::Soft, 1);
    world.all(&[Step::Approve(Who::Ana)]);
    let refused = world.refused(Step::Redeem(Program::Executor, Today::Soft(2)));
    assert_eq!(refused, Refusal::PolicyTightened { tier: Tier::Soft });
}

#[test]
fn what_today_is_only_a_notice_may_start_however_long_its_window_would_be() {
    let mut world = granted_by_silence();
    let notice = Verdict { window: minutes(60), ..verdict(Tier::Fyi, 3) };
    let executor = Program::Executor.agent().clone();
    let redeem = Command::Redeem { executor, today: notice };
    assert!(world.give(&redeem, &mut laws::hold).is_ok());
}

#[test]
fn no_receipt_in_time_means_unknown_once_and_may_still_become_known() {
    let mut world = granted_by_ana();
    world.all(&[REDEEM, unheard(RECEIPT_WITHIN.minus(SECOND))]);
    assert_eq!(world.all(&[Step::Tick(0)]), [""; 0]);
    assert_eq!(world.all(&[unheard(SECOND), Step::Tick(0), Step::Tick(0)]), ["receipted"]);
    let receipt = world.escalation.settled().unwrap().receipt().unwrap();
    assert_eq!((receipt.result, receipt.at), (ReceiptResult::Unknown, world.at));
    let report = |result| Step::Report(Program::Executor, result);
    let unknown = Refusal::AlreadyReceipted { result: ReceiptResult::Unknown };
    assert_eq!(world.refused(report(ReceiptResult::Unknown)), unknown);
    assert_eq!(world.all(&[report(ReceiptResult::Succeeded)]), ["receipted"]);
    let known = Refusal::AlreadyReceipted { result: ReceiptResult::Succeeded };
    assert_eq!(world.refused(report(ReceiptResult::Failed)), known);
}

#[test]
fn only_who_started_it_reports_and_only_once_it_started() {
    let mut world = granted_by_ana();
    let report = |program| Step::Report(program, ReceiptResult::Succeeded);
    assert_eq!(world.refused(report(Program::Executor)), Refusal::NotStarted);
    world.all(&[REDEEM]);
    assert!(matches!(world.refused(report(Program::Owner)), Refusal::WrongAudience { .. }));
}

#[test]
fn nothing_is_redeemed_before_it_is_granted() {
    let mut world = begin(Tier::Hard, 1);
    assert_eq!(world.refused(REDEEM), Refusal::NotGranted { state: "pending" });
}

// Ends.

#[test]
fn the_agent_withdraws_its_own_and_nobody_elses() {
    let mut world = begin(Tier::Hard, 1);
    let agent = Program::Owner.name().clone();
    let refused = world.refused(Step::Withdraw(Program::Executor));
    assert_eq!(refused, Refusal::NotYours { agent });
    assert_eq!(world.all(&[Step::Withdraw(Program::Owner)]), ["withdrawn"]);
    let mut granted = granted_by_ana();
    assert_eq!(granted.all(&[Step::Withdraw(Program::Owner)]), ["withdrawn"]);
    assert_eq!(granted.refused(REDEEM), Refusal::NotGranted { state: "withdrawn" });
}

#[test]
fn what_is_settled_takes_no_more_decisions_and_says_who_settled_it() {
    let mut world = begin(Tier::Hard, 2);
    world.all(&[Step::Deny(Who::Ana)]);
    let by = Some(Who::Ana.person().name().clone());
    let settled = Refusal::AlreadySettled { outcome: Outcome::Denied, by };
    assert_eq!(settled.to_string(), "it is already denied by ana");
    for late in [
        Step::Approve(Who::Bo),
        Step::Deny(Who::Bo),
        Step::Edit(Who::Bo, Tier::Fyi, 1),
        Step::Take(Who::Bo),
        Step::Withdraw(Program::Owner),
    ] {
        assert_eq!(world.refused(late), settled, "{late:?}");
    }
}

#[test]
fn an_escalation_expires_ungranted_even_frozen_or_taken() {
    for pause in [Step::Halt(1), Step::Take(Who::Ana)] {
        let mut world = begin(Tier::Soft, 1);
        world.all(&[
            Step::Deliver,
            heard(WINDOW.minus(SECOND)),
            pause,
            heard(EXPIRES_AFTER.plus(WINDOW)),
        ]);
        assert_eq!(world.all(&[Step::Tick(0)]), ["expired"]);
    }
}

// Histories.

#[test]
fn a_history_that_nothing_can_have_had_is_refused_with_its_place() {
    let world = granted_by_ana();
    let refused = world.escalation.clone().apply(&Event::Noted, world.at).unwrap_err();
    assert_eq!(refused.to_string(), "event 4 (noted) can't follow what came before it");
    let headless = world.history.iter().skip(1).map(|(at, event)| (*at, event));
    assert!(Escalation::fold(world.escalation.id(), headless).is_err());
    assert!(Escalation::fold(world.escalation.id(), []).is_err());
}

#[test]
fn a_permit_that_was_used_is_not_used_again_by_any_history() {
    let mut world = granted_by_ana();
    world.all(&[REDEEM]);
    let by = Program::Executor.name().clone();
    assert!(world.escalation.clone().apply(&Event::Started { by }, world.at).is_err());
    let by = Who::Bo.person().name().clone();
    assert!(world.escalation.clone().apply(&Event::Vetoed { by }, world.at).is_err());
}

#[test]
fn silence_is_no_silence_without_a_window() {
    assert!(HeardSilence::full(minutes(60), Period::ZERO).is_none());
    assert!(HeardSilence::full(WINDOW.minus(Period::from_micros(1)), WINDOW).is_none());
    assert!(HeardSilence::full(WINDOW, WINDOW).is_some());
}

#[test]
fn a_moment_without_listeners_or_halts_decides_alike_at_the_end_of_time() {
    let world = begin(Tier::Soft, 1);
    let moment = Moment::at(jiff::Timestamp::MAX);
    let events = decide(&world.escalation, &Command::Tick { silent_grants: 0 }, &moment);
    assert_eq!(events.unwrap(), [Event::Expired]);
    assert!(dawn() < moment.at);
}
