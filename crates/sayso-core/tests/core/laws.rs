//! The promises of DESIGN.md as laws over single turns and whole histories. Each compares what
//! the core did with the books of the model; none of them asks the core for its opinion.

use sayso_core::decision::{Says, VerifiedDecision};
use sayso_core::escalation::{Hardened, Outcome, PermitState, ReceiptResult};
use sayso_core::grant::{Basis, Grant};
use sayso_core::{Command, Digest, Escalation, Event, Moment, Period, Tier, Verdict, decide};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::{Ended, Turn, UNHEARD, World};

/// Every law about one turn.
pub(crate) fn hold(turn: &Turn) {
    p1_only_a_quorum_of_people_on_the_present_digest_grants_by_decision(turn);
    p1_a_hard_escalation_is_granted_hard_or_not_at_all(turn);
    p2_every_command_leads_only_to_what_its_giver_may_cause(turn);
    p2_a_program_speaks_for_itself_alone(turn);
    p3_nobody_approves_or_answers_what_they_did_not_see(turn);
    p3_what_starts_is_what_was_granted(turn);
    p4_a_grant_starts_at_most_once_and_only_while_it_stands(turn);
    p4_the_executor_gets_what_stands(turn);
    p5_only_a_full_window_of_true_silence_grants(turn);
    p5_a_full_window_of_true_silence_does_grant(turn);
    p6_a_refusal_ends_whatever_has_not_started(turn);
    p6_what_was_refused_stays_refused(turn);
    p6_what_a_halt_froze_waits_for_its_lifting_or_ends(turn);
    p6_a_halt_takes_back_what_has_not_started(turn);
    p6_nothing_is_permitted_under_a_halt(turn);
    p6_silence_above_the_limit_grants_nothing(turn);
    p7_the_tier_never_goes_down(turn);
    p7_only_what_nobody_could_hear_becomes_hard_by_itself(turn);
    p8_a_refused_command_changes_nothing(turn);
    p8_what_is_settled_is_final_but_for_taking_back_an_unused_grant(turn);
    p8_time_acts_only_when_it_was_due(turn);
}

/// Every law about where a history has led.
pub(crate) fn hold_still(world: &World) {
    p5_the_heard_time_is_what_the_model_heard(world);
    p8_the_state_is_the_fold_of_the_history(world);
    p8_state_and_history_survive_the_store(world);
    p8_time_comes_to_rest_and_names_a_later_moment(world);
}

fn events<'a>(turn: &'a Turn) -> &'a [Event] {
    turn.said.as_deref().unwrap_or_default()
}

fn grant_of<'a>(turn: &'a Turn) -> Option<&'a Grant> {
    events(turn).iter().find_map(|event| match event {
        Event::Granted { grant, .. } => Some(grant),
        _ => None,
    })
}

fn decided<'a>(turn: &'a Turn) -> Option<&'a VerifiedDecision> {
    match turn.command {
        Command::Decide(decision) => Some(decision),
        _ => None,
    }
}

/// A grant waiting to be redeemed.
fn is_issued(escalation: &Escalation) -> bool {
    let permit = escalation.settled().and_then(|settled| settled.permit());
    matches!(permit, Some(PermitState::Issued { .. }))
}

fn digest_in(grant: &Grant) -> Option<Digest> {
    let written = serde_json::to_value(grant).unwrap();
    written["digest"].as_str().map(|digest| digest.parse().unwrap())
}

fn p1_only_a_quorum_of_people_on_the_present_digest_grants_by_decision(turn: &Turn) {
    let Some(grant) = grant_of(turn).filter(|grant| grant.basis() == Basis::Decision) else {
        return;
    };
    let decision = decided(turn).expect("P1: nothing but a person's decision completes a quorum");
    assert!(
        matches!(decision.says(), Says::Approve | Says::ApproveEdited(_)),
        "P1: {:?} is no approval",
        decision.says()
    );
    let people: Vec<_> = turn.model.approvers.iter().cloned().collect();
    assert_eq!(grant.by(), people, "P1: granted by others than those who approved this digest");
    assert!(people.len() >= turn.model.quorum, "P1: {people:?} are too few");
    assert_eq!(digest_in(grant), Some(turn.model.digest), "P1: granted for another digest");
}

fn p1_a_hard_escalation_is_granted_hard_or_not_at_all(turn: &Turn) {
    if turn.model.tier < Tier::Hard {
        return;
    }
    if let Some(grant) = grant_of(turn) {
        assert!(matches!(grant, Grant::Hard(_)), "P1: a hard escalation was granted by {grant:?}");
    }
    let answered = events(turn).iter().any(|event| match event {
        Event::Answered { basis, .. } => *basis == Basis::Silence,
        _ => false,
    });
    assert!(!answered, "P1: silence answered a hard question");
}

fn p2_every_command_leads_only_to_what_its_giver_may_cause(turn: &Turn) {
    for event in events(turn) {
        let may = match turn.command {
            Command::Decide(decision) => match event {
                Event::Granted { grant, .. } => grant.basis() == Basis::Decision,
                _ => event.person() == Some(decision.by()),
            },
            Command::Withdraw(_) => matches!(event, Event::Withdrawn),
            Command::Deliver { .. } => matches!(event, Event::Delivered { .. }),
            Command::Redeem { .. } => matches!(event, Event::Started { .. }),
            Command::Report { executor, .. } => match event {
                Event::Receipted { by, .. } => by.as_ref() == Some(executor.name()),
                _ => false,
            },
            Command::Freeze(_) => matches!(event, Event::Frozen { .. } | Event::Halted { .. }),
            Command::Thaw(_) => matches!(event, Event::Thawed { .. }),
            Command::Tick { .. } => match event {
                Event::Expired | Event::Lapsed { .. } | Event::Frozen { .. } => true,
                Event::Hardened { because } => {
                    matches!(because, Hardened::Unheard | Hardened::SilentLimit)
                }
                Event::Granted { grant, .. } => {
                    grant.basis() == Basis::Silence && grant.tier() == Tier::Soft
                }
                Event::Answered { basis, by, .. } => *basis == Basis::Silence && by.is_none(),
                Event::Receipted { result, by, reopened } => {
                    *result == ReceiptResult::Unknown && by.is_none() && reopened.is_none()
                }
                _ => false,
            },
        };
        assert!(may, "P2: {:?} led to {event:?}", turn.command);
    }
}

fn p2_a_program_speaks_for_itself_alone(turn: &Turn) {
    let (program, entitled) = match turn.command {
        Command::Withdraw(agent) => (agent, turn.before.agent()),
        Command::Redeem { executor, .. } | Command::Report { executor, .. } => {
            (executor, turn.before.executor())
        }
        _ => return,
    };
    if program.name() != entitled {
        assert!(turn.said.is_err(), "P2: {} passed for {entitled}", program.name());
    }
}

fn p3_nobody_approves_or_answers_what_they_did_not_see(turn: &Turn) {
    let Some(decision) = decided(turn).filter(|decision| decision.says().permits()) else {
        return;
    };
    let (seen, present) = (decision.seen(), turn.model_before.digest);
    let version_moved = seen.version.is_some_and(|version| version != turn.before.version());
    if seen.digest != Some(present) || version_moved {
        assert!(turn.said.is_err(), "P3: {decision:?} passed, and the digest is {present:?}");
    }
    assert_eq!(turn.after.digest(), turn.model.digest, "P3: the digest moved by itself");
}

fn p3_what_starts_is_what_was_granted(turn: &Turn) {
    let granted = turn.model.granted.as_ref();
    if events(turn).iter().any(|event| matches!(event, Event::Started { .. })) {
        let granted = granted.expect("P3: something started that was never granted");
        assert_eq!(granted.digest, turn.after.digest(), "P3: another digest runs");
        let by_people = turn.after.settled().and_then(|settled| settled.granted.as_ref());
        let digest = by_people.and_then(|granted| digest_in(&granted.grant));
        assert!(digest.is_none_or(|digest| digest == granted.digest), "P3: {digest:?} was decided");
    }
}

/// Whether what was granted is all that `today` asks for: the law's own reading of promise 4.
fn suffices(turn: &Turn, today: &Verdict) -> bool {
    let Some(granted) = &turn.model_before.granted else { return false };
    let quorum = usize::from(today.quorum.in_all().get());
    match (today.tier, granted.silence) {
        (Tier::Fyi, _) => true,
        (Tier::Soft, Some(heard)) => heard >= today.window,
        (Tier::Hard, Some(_)) => false,
        (Tier::Soft | Tier::Hard, None) => granted.people >= quorum,
    }
}

fn p4_a_grant_starts_at_most_once_and_only_while_it_stands(turn: &Turn) {
    assert!(turn.model.starts <= 1, "P4: it was started {} times", turn.model.starts);
    if turn.model.starts == turn.model_before.starts {
        return;
    }
    let Command::Redeem { executor, today } = turn.command else {
        panic!("P4: {:?} started it", turn.command);
    };
    let model = turn.model_before;
    let until = model.granted.as_ref().map(|granted| granted.until);
    assert_eq!(model.ended, None, "P4: it was started after its end");
    assert_eq!(turn.moment.halt, None, "P4: it was started under a halt");
    assert!(until.is_some_and(|until| turn.moment.at < until), "P4: the permit had expired");
    assert_eq!(executor.name(), turn.before.executor(), "P4: a stranger started it");
    assert!(suffices(turn, today), "P4: today's policy asks for more: {today:?}");
}

fn p4_the_executor_gets_what_stands(turn: &Turn) {
    let Command::Redeem { executor, today } = turn.command else { return };
    let until = turn.model_before.granted.as_ref().map(|granted| granted.until);
    let stands = is_issued(turn.before)
        && executor.name() == turn.before.executor()
        && turn.moment.halt.is_none()
        && until.is_some_and(|until| turn.moment.at < until);
    let unchanged = today == turn.before.verdict();
    if stands && unchanged {
        assert!(turn.said.is_ok(), "P4: a good permit was refused: {:?}", turn.said);
    }
}

/// Whether silence granted, or answered.
fn silence_spoke(turn: &Turn) -> bool {
    events(turn).iter().any(|event| match event {
        Event::Granted { grant, .. } => grant.basis() == Basis::Silence,
        Event::Answered { basis, .. } => *basis == Basis::Silence,
        _ => false,
    })
}

fn is_tick(turn: &Turn) -> Option<u32> {
    match turn.command {
        Command::Tick { silent_grants } => Some(*silent_grants),
        _ => None,
    }
}

fn p5_only_a_full_window_of_true_silence_grants(turn: &Turn) {
    if !silence_spoke(turn) {
        return;
    }
    let model = turn.model_before;
    assert!(is_tick(turn).is_some(), "P5: {:?} made silence speak", turn.command);
    assert!(model.delivered, "P5: nobody had been shown it");
    assert!(model.heard >= model.window, "P5: {} of {} had been heard", model.heard, model.window);
    assert_eq!(model.taken_until, None, "P5: somebody was on it");
    assert_eq!(model.frozen.or(turn.moment.halt), None, "P5: a halt was in force");
    assert_eq!(model.tier, Tier::Soft, "P5: silence spoke at tier {}", model.tier);
    if let Some((heard, window)) = grant_of(turn).and_then(Grant::silence) {
        assert!(heard >= window && window == model.window && heard <= model.heard);
    }
}

fn p5_a_full_window_of_true_silence_does_grant(turn: &Turn) {
    let model = turn.model_before;
    let open = turn.before.is_pending() && turn.moment.at < turn.before.expires_at();
    let unhindered = model.exact && model.counts() && turn.moment.halt.is_none();
    if is_tick(turn).is_some()
        && open
        && unhindered
        && model.tier == Tier::Soft
        && model.heard >= model.window
    {
        let hardened = matches!(events(turn), [Event::Hardened { because: Hardened::SilentLimit }]);
        assert!(silence_spoke(turn) || hardened, "P5: a full window led to {:?}", turn.said);
    }
}

fn p6_a_refusal_ends_whatever_has_not_started(turn: &Turn) {
    let Some(decision) = decided(turn) else { return };
    if !matches!(decision.says(), Says::Deny | Says::Veto) {
        return;
    }
    if turn.before.is_pending() || is_issued(turn.before) {
        assert!(turn.said.is_ok(), "P6: a refusal was refused: {:?}", turn.said);
        let settled = turn.after.settled().expect("P6: a refusal ends it");
        let refused = matches!(settled.outcome, Outcome::Denied | Outcome::Vetoed);
        assert!(refused, "P6: a refusal ended it as {:?}", settled.outcome);
        assert_eq!(settled.by.as_ref(), Some(decision.by()), "P6: it is known who refused");
    }
}

fn p6_what_was_refused_stays_refused(turn: &Turn) {
    if turn.model.ended != Some(Ended::Refused) {
        return;
    }
    let settled = turn.after.settled().expect("P6: what was refused is open again");
    assert!(matches!(settled.outcome, Outcome::Denied | Outcome::Vetoed), "P6: {settled:?}");
    assert!(
        matches!(settled.permit(), None | Some(PermitState::Revoked)),
        "P6: the permit lives on: {settled:?}"
    );
}

fn p6_what_a_halt_froze_waits_for_its_lifting_or_ends(turn: &Turn) {
    if is_tick(turn).is_some() && turn.before.is_pending() && turn.model_before.frozen.is_some() {
        let waits = matches!(events(turn), [] | [Event::Expired]);
        assert!(waits, "P6: frozen, and yet {:?}", turn.said);
    }
}

fn p6_a_halt_takes_back_what_has_not_started(turn: &Turn) {
    let until = turn.model_before.granted.as_ref().map(|granted| granted.until);
    let stands = is_issued(turn.before) && until.is_some_and(|until| turn.moment.at < until);
    if stands && let Command::Freeze(halt) = turn.command {
        assert_eq!(events(turn), [Event::Halted { halt: *halt }], "P6: the grant outlives a halt");
    }
}

fn p6_nothing_is_permitted_under_a_halt(turn: &Turn) {
    let permits = decided(turn).is_some_and(|decision| decision.says().permits());
    if permits && turn.moment.halt.is_some() {
        assert!(turn.said.is_err(), "P6: under a halt, and yet {:?}", turn.said);
    }
}

fn p6_silence_above_the_limit_grants_nothing(turn: &Turn) {
    let Some(silent_grants) = is_tick(turn) else { return };
    let limit = turn.before.verdict().silent_limit;
    if silence_spoke(turn) {
        assert!(!limit.is_used_up(silent_grants), "P6: grant {silent_grants} under {limit}");
    }
    if events(turn).contains(&Event::Hardened { because: Hardened::SilentLimit }) {
        assert!(limit.is_used_up(silent_grants), "P6: {silent_grants} under {limit} became hard");
    }
}

fn p7_the_tier_never_goes_down(turn: &Turn) {
    let (before, after) = (turn.before, turn.after);
    assert!(after.tier() >= before.tier(), "P7: {} became {}", before.tier(), after.tier());
    assert_eq!(after.tier(), turn.model.tier, "P7: the tier is not what was asked for");
    let (was, is) = (before.verdict(), after.verdict());
    assert!(is.window >= was.window, "P7: the window shrank from {} to {}", was.window, is.window);
    assert!(after.tier() >= is.tier, "P7: the policy asks {}", is.tier);
}

fn p7_only_what_nobody_could_hear_becomes_hard_by_itself(turn: &Turn) {
    if !events(turn).contains(&Event::Hardened { because: Hardened::Unheard }) {
        return;
    }
    let (model, hearing) = (turn.model_before, turn.moment.hearing);
    assert!(!(model.delivered && hearing.running), "P7: somebody was hearing it");
    let last = hearing.last.filter(|_| !hearing.running).unwrap_or(model.since);
    let unheard = Period::between(last.max(model.since), turn.moment.at);
    assert!(unheard >= UNHEARD, "P7: it was unheard for {unheard} only");
}

fn p8_a_refused_command_changes_nothing(turn: &Turn) {
    match turn.said {
        Ok(events) => {
            let version = turn.before.version() + events.len() as u64;
            assert_eq!(turn.after.version(), version, "P8: one event, one version");
        }
        Err(_) => assert_eq!(turn.before, turn.after, "P8: a refused command left a trace"),
    }
}

fn p8_what_is_settled_is_final_but_for_taking_back_an_unused_grant(turn: &Turn) {
    let (Some(before), after) = (turn.before.settled(), turn.after.settled()) else { return };
    let after = after.expect("P8: what was settled is open again");
    if before.outcome == after.outcome {
        return;
    }
    assert!(is_issued(turn.before), "P8: {:?} became {:?}", before.outcome, after.outcome);
    assert!(
        matches!(
            after.outcome,
            Outcome::Denied | Outcome::Vetoed | Outcome::Withdrawn | Outcome::Halted
        ),
        "P8: a grant became {:?}",
        after.outcome
    );
    assert_eq!(after.permit(), Some(&PermitState::Revoked), "P8: the permit lives on");
}

fn is_due(escalation: &Escalation, moment: &Moment) -> bool {
    let due = escalation.due(moment);
    due.at.is_some_and(|at| at <= moment.at)
        || due.heard.is_some_and(|heard| heard <= moment.hearing.reading)
}

fn p8_time_acts_only_when_it_was_due(turn: &Turn) {
    let froze = matches!(events(turn), [Event::Frozen { .. }]);
    if is_tick(turn).is_some() && !events(turn).is_empty() && !froze {
        let due = turn.before.due(&turn.moment);
        assert!(is_due(turn.before, &turn.moment), "P8: nobody would have woken it: {due:?}");
    }
}

fn p5_the_heard_time_is_what_the_model_heard(world: &World) {
    let Some(heard) = world.escalation.heard(&world.moment()) else { return };
    let model = &world.model;
    assert!(heard <= model.heard, "P5: {heard} counted, {} heard", model.heard);
    if model.exact {
        assert_eq!(heard, model.heard, "P5: heard silence was lost");
    }
}

fn p8_the_state_is_the_fold_of_the_history(world: &World) {
    let history = world.history.iter().map(|(at, event)| (*at, event));
    let folded = Escalation::fold(world.escalation.id(), history).unwrap();
    assert_eq!(folded, world.escalation, "P8: the state is not the fold of its history");
}

fn p8_state_and_history_survive_the_store(world: &World) {
    fn survives<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(kept: &T) {
        let text = serde_json::to_string(kept).unwrap();
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *kept, "P8: {text}");
    }
    survives(&world.escalation);
    // The rest of the history was tried when it was the last of it.
    let last = world.history.iter().rev().take(4);
    last.for_each(|(_, event)| survives(event));
}

fn p8_time_comes_to_rest_and_names_a_later_moment(world: &World) {
    let moment = world.moment();
    let mut escalation = world.escalation.clone();
    let mut fired = Vec::new();
    loop {
        let events = match decide(&escalation, &Command::Tick { silent_grants: 0 }, &moment) {
            Ok(events) => events,
            Err(refusal) => panic!("P8: a timer was refused: {refusal}"),
        };
        if events.is_empty() {
            break;
        }
        for event in events {
            assert!(!fired.contains(&event.word()), "P8: fired twice: {}", event.word());
            fired.push(event.word());
            escalation = escalation.apply(&event, moment.at).unwrap();
        }
    }
    assert!(
        !is_due(&escalation, &moment),
        "P8: nothing is left to do, yet it is due: {:?}",
        escalation.due(&moment)
    );
}
