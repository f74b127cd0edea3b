//! Long random stories: whatever people, agents, timers, halts and clocks do, the laws hold.

use proptest::prelude::*;
use proptest::sample::select;
use sayso_core::escalation::ReceiptResult;
use sayso_core::{Period, Tier};

use crate::laws;
use crate::world::{
    BEGINNINGS, LIMIT, Listener, Program, Step, Today, WINDOW, Who, World, minutes,
};

fn who() -> impl Strategy<Value = Who> {
    select(&[Who::Ana, Who::Bo, Who::Cy][..])
}

fn program() -> impl Strategy<Value = Program> {
    use Program::{Executor, Owner, Stranger};
    select(&[Executor, Executor, Executor, Owner, Stranger][..])
}

fn tier() -> impl Strategy<Value = Tier> {
    select(&[Tier::Fyi, Tier::Soft, Tier::Hard][..])
}

fn today() -> impl Strategy<Value = Today> {
    select(
        &[
            Today::Same,
            Today::Same,
            Today::Looser,
            Today::LongerWindow,
            Today::Soft(2),
            Today::Hard(1),
            Today::Hard(2),
            Today::Hard(3),
        ][..],
    )
}

fn result() -> impl Strategy<Value = ReceiptResult> {
    select(
        &[
            ReceiptResult::Succeeded,
            ReceiptResult::Failed,
            ReceiptResult::Stale,
            ReceiptResult::Unknown,
        ][..],
    )
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        6 => (0..26_u64).prop_map(minutes),
        2 => (0..40_000_000_u64).prop_map(Period::from_micros),
        1 => Just(WINDOW.minus(Period::from_micros(1))),
        1 => Just(Period::from_secs(3 * 86_400)),
    ]
}

fn listener() -> impl Strategy<Value = Listener> {
    select(&[Listener::There, Listener::There, Listener::Gone][..])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (period(), listener()).prop_map(|(period, who)| Step::Pass(period, who)),
        8 => select(&[0, 0, 0, LIMIT - 1, LIMIT][..]).prop_map(Step::Tick),
        5 => Just(Step::Deliver),
        4 => who().prop_map(Step::Approve),
        2 => (who(), tier(), 1..=3_u8).prop_map(|(who, tier, n)| Step::Edit(who, tier, n)),
        1 => who().prop_map(Step::EditNothing),
        1 => who().prop_map(Step::ApproveOther),
        1 => who().prop_map(Step::ApproveBlind),
        1 => who().prop_map(Step::ApproveEarlier),
        1 => who().prop_map(Step::Deny),
        1 => who().prop_map(Step::Veto),
        1 => who().prop_map(Step::VetoBlind),
        1 => who().prop_map(Step::Hold),
        3 => who().prop_map(Step::Take),
        2 => who().prop_map(Step::Retract),
        1 => who().prop_map(Step::Answer),
        1 => who().prop_map(Step::AnswerBadly),
        1 => program().prop_map(Step::Withdraw),
        4 => (program(), today()).prop_map(|(program, today)| Step::Redeem(program, today)),
        2 => (program(), result()).prop_map(|(program, result)| Step::Report(program, result)),
        2 => (1..=2_u8).prop_map(Step::Halt),
        1 => (1..=2_u8).prop_map(Step::HaltFar),
        3 => (1..=2_u8).prop_map(Step::Lift),
        1 => (1..=2_u8).prop_map(Step::LiftFar),
        1 => (1..=2_u8).prop_map(Step::ThawStray),
        1 => period().prop_map(Step::WallBack),
        1 => period().prop_map(Step::ListeningBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(cases())
    })]

    #[test]
    fn whatever_happens_every_promise_is_kept(
        beginning in select(&BEGINNINGS[..]),
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let mut world = World::new(beginning);
        laws::hold_still(&world);
        for step in steps {
            let _ = world.step(step, &mut laws::hold);
            laws::hold_still(&world);
        }
    }
}

/// How many stories: `PROPTEST_CASES`, or a few thousand.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(4_000)
}
