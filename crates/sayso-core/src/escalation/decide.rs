//! The law: what each command leads to.

use jiff::Timestamp;

use super::command::{Command, Refusal};
use super::event::{Event, Hardened};
use super::settled::{PermitState, ReceiptResult, Settled};
use super::{Escalation, Pending, Phase, RECEIPT_WITHIN, Silence, Subject, TAKE_LASTS, Take, Wait};
use crate::credential::Agent;
use crate::decision::{Edit, Says, VerifiedDecision};
use crate::grant::{Approval, Basis, Grant, HardGrant, HeardSilence, Quorum, SoftGrant};
use crate::id::{EscalationId, HaltId};
use crate::moment::{Moment, Start};
use crate::name::ReviewerName;
use crate::period::Period;
use crate::statement::Terms;
use crate::tier::Tier;
use crate::verdict::{SelfApproval, Verdict};

/// Says what `command` leads to at `moment`: the events to append (none, if nothing changes), or
/// why it is refused.
pub fn decide(
    escalation: &Escalation,
    command: &Command,
    moment: &Moment,
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Decide(decision) => decided(escalation, decision, moment),
        Command::Withdraw(agent) => withdrawn(escalation, agent),
        Command::Deliver { channel } => Ok(delivered(escalation, channel, moment)),
        Command::Tick { silent_grants } => Ok(due(escalation, *silent_grants, moment)),
        Command::Redeem { executor, today } => redeemed(escalation, executor, today, moment),
        Command::Report { executor, result, reopened } => {
            reported(escalation, executor, *result, *reopened)
        }
        Command::Freeze(halt) => Ok(frozen(escalation, *halt, moment)),
        Command::Thaw(halt) => Ok(thawed(escalation, *halt, moment)),
    }
}

fn decided(
    escalation: &Escalation,
    decision: &VerifiedDecision,
    moment: &Moment,
) -> Result<Vec<Event>, Refusal> {
    let pending = match &escalation.phase {
        Phase::Pending(pending) => pending,
        Phase::Settled(settled) => return taken_back(settled, decision),
    };
    check_seen(escalation, decision)?;
    // What is still frozen by a halt that was lifted is only waiting to be thawed.
    if let (true, Some(halt)) = (decision.says().permits(), moment.halt) {
        return Err(Refusal::Halted { halt });
    }
    let by = decision.by().clone();
    match decision.says() {
        Says::Approve => approved(escalation, pending, decision, moment.at),
        Says::Retract => match pending.approvals.iter().any(|approval| approval.by == by) {
            true => Ok(vec![Event::Retracted { by }]),
            false => Err(Refusal::NotApproved { by }),
        },
        Says::ApproveEdited(edit) => edited(escalation, decision, edit, moment.at),
        Says::Answer(answer) => match &escalation.subject {
            Subject::Action { .. } => Err(Refusal::IsAction),
            Subject::Question { form, .. } => {
                let (verdict, ceremony) = (&escalation.verdict, escalation.ceremony);
                let tier = escalation.tier();
                let terms = Terms { tier, verdict, ceremony, edited: None, answer: Some(answer) };
                check_person(escalation, pending, decision, &terms, moment.at)?;
                form.check(answer).map_err(Refusal::BadAnswer)?;
                Ok(vec![Event::Answered {
                    basis: Basis::Decision,
                    by: Some(by),
                    assurance: Some(decision.assurance()),
                    signed: decision.signed(),
                    heard: None,
                }])
            }
        },
        Says::Deny | Says::Veto => Ok(vec![match pending.wait {
            Wait::Soft { .. } => Event::Vetoed { by },
            Wait::Hard { .. } => Event::Denied { by },
        }]),
        Says::Hold => match pending.wait {
            Wait::Soft { .. } => Ok(vec![Event::Hardened { because: Hardened::Held { by } }]),
            Wait::Hard { .. } => Err(Refusal::AlreadyHard),
        },
        Says::Take => {
            let take = Take { by, until: TAKE_LASTS.after(moment.at) };
            Ok(vec![Event::Taken { take, heard: counted(pending, moment) }])
        }
    }
}

/// A decision on what has ended: an unused grant can still be refused, and nothing else.
fn taken_back(settled: &Settled, decision: &VerifiedDecision) -> Result<Vec<Event>, Refusal> {
    let by = decision.by().clone();
    let ended = Refusal::AlreadySettled { outcome: settled.outcome, by: settled.by.clone() };
    match (settled.permit(), decision.says()) {
        (Some(PermitState::Issued { .. }), Says::Deny | Says::Veto) => {
            Ok(vec![match settled.tier {
                Tier::Hard => Event::Denied { by },
                Tier::Fyi | Tier::Soft => Event::Vetoed { by },
            }])
        }
        _ => Err(ended),
    }
}

/// People decide on what they saw. Refusing needs no proof of having seen anything.
fn check_seen(escalation: &Escalation, decision: &VerifiedDecision) -> Result<(), Refusal> {
    let seen = decision.seen();
    match seen.digest {
        Some(digest) if digest != escalation.digest() => {
            return Err(Refusal::DigestMoved { now: escalation.digest() });
        }
        None if decision.says().permits() => return Err(Refusal::DigestMissing),
        Some(_) | None => {}
    }
    match seen.version {
        Some(version) if version != escalation.version => {
            Err(Refusal::VersionMoved { now: escalation.version })
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether it may be this person's say-so, and this strong. Only what permits is ever asked that.
fn check_person(
    escalation: &Escalation,
    pending: &Pending,
    decision: &VerifiedDecision,
    terms: &Terms<'_>,
    at: Timestamp,
) -> Result<(), Refusal> {
    if decision.assurance() < terms.verdict.assurance {
        return Err(Refusal::TooWeak { needed: terms.verdict.assurance });
    }
    if terms.verdict.self_approval == SelfApproval::Never {
        let answers = |person: &&ReviewerName| escalation.answerable.contains(person);
        let stands_in_for = decision.stands_in_for().iter().find(answers).cloned();
        if answers(&decision.by()) || stands_in_for.is_some() {
            return Err(Refusal::OwnAgent { by: decision.by().clone(), stands_in_for });
        }
    }
    let Some(statement) = decision.statement() else { return Ok(()) };
    statement.check(escalation, terms, at)?;
    let spent = |(person, version): &(ReviewerName, u64)| {
        person == decision.by() && statement.version < *version
    };
    match pending.retracted.iter().any(spent) {
        true => Err(Refusal::SignatureSpent),
        false => Ok(()),
    }
}

fn approved(
    escalation: &Escalation,
    pending: &Pending,
    decision: &VerifiedDecision,
    at: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if matches!(escalation.subject, Subject::Question { .. }) {
        return Err(Refusal::IsQuestion);
    }
    if pending.approvals.iter().any(|approval| approval.by == *decision.by()) {
        return Err(Refusal::AlreadyApproved { by: decision.by().clone() });
    }
    let (verdict, ceremony) = (&escalation.verdict, escalation.ceremony);
    let terms = Terms { tier: escalation.tier(), verdict, ceremony, edited: None, answer: None };
    check_person(escalation, pending, decision, &terms, at)?;
    let (digest, answerable) = (escalation.digest(), &escalation.answerable);
    let approval = Approval::of(decision, digest, verdict, answerable);
    let quorum = Quorum::completed(verdict, answerable, digest, &pending.approvals, decision);
    let grant = quorum.map(|quorum| granted(by_people(&pending.wait, quorum), verdict, at));
    Ok([Event::Approved { approval }].into_iter().chain(grant).collect())
}

fn edited(
    escalation: &Escalation,
    decision: &VerifiedDecision,
    edit: &Edit,
    at: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Subject::Action { digest, .. } = &escalation.subject else {
        return Err(Refusal::IsQuestion);
    };
    let pending = match &escalation.phase {
        Phase::Pending(pending) if edit.digest != *digest => pending,
        Phase::Pending(pending) => return approved(escalation, pending, decision, at),
        Phase::Settled(_) => return Ok(Vec::new()),
    };
    let verdict = edit.verdict.in_place_of(escalation);
    let (tier, ceremony) = (verdict.tier, edit.ceremony);
    let terms =
        Terms { tier, verdict: &verdict, ceremony, edited: Some(edit.digest), answer: None };
    check_person(escalation, pending, decision, &terms, at)?;
    let by = decision.by().clone();
    let harder = matches!(pending.wait, Wait::Soft { .. }) && verdict.tier == Tier::Hard;
    let wait = if harder { Wait::Hard { because: None } } else { pending.wait.clone() };
    let mut events = vec![Event::Edited {
        by: by.clone(),
        digest: edit.digest,
        verdict: verdict.clone(),
        ceremony,
    }];
    if harder {
        events.push(Event::Hardened { because: Hardened::Edited { by } });
    }
    let answerable = &escalation.answerable;
    let approval = Approval::of(decision, edit.digest, &verdict, answerable);
    events.push(Event::Approved { approval });
    if let Some(quorum) = Quorum::completed(&verdict, answerable, edit.digest, &[], decision) {
        events.push(granted(by_people(&wait, quorum), &verdict, at));
    }
    Ok(events)
}

fn by_people(wait: &Wait, quorum: Quorum) -> Grant {
    match wait {
        Wait::Hard { .. } => HardGrant::new(quorum).into(),
        Wait::Soft { .. } => SoftGrant::Decision(quorum).into(),
    }
}

fn granted(grant: Grant, verdict: &Verdict, at: Timestamp) -> Event {
    Event::Granted { grant, expires_at: verdict.permit_lasts.after(at) }
}

fn withdrawn(escalation: &Escalation, agent: &Agent) -> Result<Vec<Event>, Refusal> {
    if escalation.agent != *agent.name() {
        return Err(Refusal::NotYours { agent: escalation.agent.clone() });
    }
    match &escalation.phase {
        Phase::Pending(_) => Ok(vec![Event::Withdrawn]),
        Phase::Settled(settled) => match settled.permit() {
            Some(PermitState::Issued { .. }) => Ok(vec![Event::Withdrawn]),
            _ => Err(Refusal::AlreadySettled { outcome: settled.outcome, by: settled.by.clone() }),
        },
    }
}

fn delivered(escalation: &Escalation, channel: &str, moment: &Moment) -> Vec<Event> {
    let frozen = escalation.frozen().or(moment.halt).is_some();
    if !escalation.is_undelivered() || escalation.taken().is_some() || frozen {
        return Vec::new();
    }
    let from = moment.hearing.reading.back(Period::ZERO);
    vec![Event::Delivered { channel: channel.into(), from }]
}

/// What the passing of time leads to. There is no verified decision in reach here, and so no
/// hard grant.
fn due(escalation: &Escalation, silent_grants: u32, moment: &Moment) -> Vec<Event> {
    let pending = match &escalation.phase {
        Phase::Pending(pending) => pending,
        Phase::Settled(settled) => return overdue_receipt(settled, moment.at),
    };
    if moment.at >= escalation.expires_at {
        return vec![Event::Expired];
    }
    if pending.frozen.is_some() {
        return Vec::new();
    }
    if let Some(halt) = moment.halt {
        return frozen(escalation, halt, moment);
    }
    if let Some(take) = &pending.taken {
        if moment.at >= take.until {
            return vec![Event::Lapsed { from: resumed(pending, moment) }];
        }
        return Vec::new();
    }
    let Wait::Soft { silence, since } = &pending.wait else { return Vec::new() };
    let verdict = &escalation.verdict;
    if let Silence::Counting { from } = silence {
        let heard = from.until(moment.hearing.reading);
        if let Some(silence) = HeardSilence::full(heard, verdict.window) {
            return by_silence(escalation, silence, heard, silent_grants, moment.at);
        }
    }
    if moment.at >= verdict.unheard_after.after(silence.unheard_since(*since, moment)) {
        return vec![Event::Hardened { because: Hardened::Unheard }];
    }
    Vec::new()
}

fn by_silence(
    escalation: &Escalation,
    silence: HeardSilence,
    heard: Period,
    silent_grants: u32,
    at: Timestamp,
) -> Vec<Event> {
    if escalation.verdict.silent_limit.is_used_up(silent_grants) {
        return vec![Event::Hardened { because: Hardened::SilentLimit }];
    }
    vec![match escalation.subject {
        Subject::Action { .. } => {
            granted(SoftGrant::Silence(silence).into(), &escalation.verdict, at)
        }
        Subject::Question { .. } => Event::Answered {
            basis: Basis::Silence,
            by: None,
            assurance: None,
            signed: None,
            heard: Some(heard),
        },
    }]
}

fn overdue_receipt(settled: &Settled, now: Timestamp) -> Vec<Event> {
    match settled.permit() {
        Some(PermitState::Started { at, receipt: None, .. })
            if now >= RECEIPT_WITHIN.after(*at) =>
        {
            vec![Event::Receipted { result: ReceiptResult::Unknown, by: None, reopened: None }]
        }
        _ => Vec::new(),
    }
}

fn redeemed(
    escalation: &Escalation,
    executor: &Agent,
    today: &Verdict,
    moment: &Moment,
) -> Result<Vec<Event>, Refusal> {
    let Some(settled) = escalation.settled() else {
        return Err(Refusal::NotGranted { state: "pending" });
    };
    let state = settled.outcome.word();
    let Some(granted) = &settled.granted else { return Err(Refusal::NotGranted { state }) };
    if *executor.name() != escalation.executor {
        return Err(Refusal::WrongAudience {
            executor: escalation.executor.clone(),
            caller: executor.name().clone(),
        });
    }
    let expires_at = match &granted.permit {
        PermitState::Issued { expires_at } => *expires_at,
        PermitState::Started { at, .. } => return Err(Refusal::AlreadyRedeemed { at: *at }),
        PermitState::Revoked => return Err(Refusal::NotGranted { state }),
    };
    if moment.at >= expires_at {
        return Err(Refusal::PermitExpired { at: expires_at });
    }
    if let Some(halt) = moment.halt {
        return Err(Refusal::Halted { halt });
    }
    if !granted.grant.satisfies(today) {
        return Err(Refusal::PolicyTightened { tier: today.tier });
    }
    Ok(vec![Event::Started { by: executor.name().clone() }])
}

fn reported(
    escalation: &Escalation,
    executor: &Agent,
    result: ReceiptResult,
    reopened: Option<EscalationId>,
) -> Result<Vec<Event>, Refusal> {
    match escalation.settled().and_then(Settled::permit) {
        Some(PermitState::Started { by, .. }) if by != executor.name() => {
            Err(Refusal::WrongAudience { executor: by.clone(), caller: executor.name().clone() })
        }
        // Late news is better than none: `unknown` may still become known.
        Some(PermitState::Started { receipt: Some(receipt), .. })
            if receipt.result != ReceiptResult::Unknown || result == ReceiptResult::Unknown =>
        {
            Err(Refusal::AlreadyReceipted { result: receipt.result })
        }
        Some(PermitState::Started { .. }) => {
            let reopened = reopened.filter(|_| result == ReceiptResult::Stale);
            Ok(vec![Event::Receipted { result, by: Some(executor.name().clone()), reopened }])
        }
        Some(PermitState::Issued { .. } | PermitState::Revoked) | None => Err(Refusal::NotStarted),
    }
}

fn frozen(escalation: &Escalation, halt: HaltId, moment: &Moment) -> Vec<Event> {
    match &escalation.phase {
        Phase::Pending(pending) if pending.frozen.is_none() => {
            vec![Event::Frozen { halt, heard: counted(pending, moment) }]
        }
        Phase::Pending(_) => Vec::new(),
        Phase::Settled(settled) => match settled.permit() {
            Some(PermitState::Issued { expires_at }) if moment.at < *expires_at => {
                vec![Event::Halted { halt }]
            }
            _ => Vec::new(),
        },
    }
}

fn thawed(escalation: &Escalation, halt: HaltId, moment: &Moment) -> Vec<Event> {
    match escalation.pending() {
        Some(pending) if pending.frozen == Some(halt) => {
            let from = match pending.taken {
                Some(_) => None,
                None => resumed(pending, moment),
            };
            vec![Event::Thawed { from }]
        }
        Some(_) | None => Vec::new(),
    }
}

/// What has been heard, if silence is counting.
fn counted(pending: &Pending, moment: &Moment) -> Option<Period> {
    match pending.wait {
        Wait::Soft { silence: Silence::Counting { from }, .. } => {
            Some(from.until(moment.hearing.reading))
        }
        Wait::Soft { .. } | Wait::Hard { .. } => None,
    }
}

/// Where silence resumes, if it was stopped.
fn resumed(pending: &Pending, moment: &Moment) -> Option<Start> {
    match pending.wait {
        Wait::Soft { silence: Silence::Stopped { heard }, .. } => {
            Some(moment.hearing.reading.back(heard))
        }
        Wait::Soft { .. } | Wait::Hard { .. } => None,
    }
}
