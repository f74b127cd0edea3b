//! Why an escalation stands as it does: one sentence, for agents and people alike.

use sayso_core::decision::Assurance;
use sayso_core::escalation::{Hardened, Outcome, PermitState, ReceiptResult, WaitingFor};
use sayso_core::grant::Basis;
use sayso_core::{Moment, Tier};
use sayso_engine::Record;

/// One sentence on why it stands as it does.
pub fn reason(record: &Record, moment: &Moment) -> String {
    let escalation = &record.escalation;
    let Some(settled) = escalation.settled() else { return waiting(record, moment) };
    let by = settled.by.as_ref().map_or_else(|| "a person".to_owned(), ToString::to_string);
    match settled.outcome {
        Outcome::Granted => granted(settled),
        Outcome::Denied => format!("{by} denied it; don't ask for the same again."),
        Outcome::Vetoed => format!("{by} vetoed it; don't ask for the same again."),
        Outcome::Expired => "Nobody decided in time; that is not a no. Ask again if it still \
                             matters."
            .into(),
        Outcome::Withdrawn => "The agent withdrew it.".into(),
        Outcome::Halted => {
            "A halt is in force; nothing it covers goes ahead until a person lifts it.".into()
        }
        Outcome::Noted => "People are told; nothing waits.".into(),
        Outcome::Answered => match settled.answered {
            Some(Basis::Silence) => {
                "Nobody who was listening objected to the default in the whole window.".into()
            }
            Some(Basis::Decision) | None => format!("{by} answered."),
        },
    }
}

fn granted(settled: &sayso_core::escalation::Settled) -> String {
    let Some(granted) = &settled.granted else { return String::new() };
    let why = match granted.grant.silence() {
        Some((_, window)) => {
            format!("Nobody who was listening objected in the whole window of {window}.")
        }
        None => {
            let how = match granted.grant.assurance() {
                Some(Assurance::Signed) => "signed",
                Some(Assurance::Channel | Assurance::Session) | None => "approved",
            };
            let by = all(granted.grant.by());
            match granted.grant.own() {
                [] => format!("{by} {how} it."),
                [own] => format!("{by} {how} it; {own} answers for this agent."),
                own => format!("{by} {how} it; {} answer for this agent.", all(own)),
            }
        }
    };
    let use_of_it = match &granted.permit {
        PermitState::Issued { .. } => " The permit may be redeemed once.",
        PermitState::Started { receipt, .. } => match receipt.map(|receipt| receipt.result) {
            None => " It was started; how it ended is not known yet.",
            Some(ReceiptResult::Succeeded) => " It was done.",
            Some(ReceiptResult::Failed) => " It was tried and failed.",
            Some(ReceiptResult::Stale) => {
                " What it was approved for no longer held, so nothing was done; it is asked anew."
            }
            Some(ReceiptResult::Unknown) => {
                " It was started, and nobody knows how it ended: a person must look."
            }
        },
        PermitState::Revoked => "",
    };
    why + use_of_it
}

fn waiting(record: &Record, moment: &Moment) -> String {
    let escalation = &record.escalation;
    let verdict = escalation.verdict();
    match escalation.waiting_for(moment) {
        Some(WaitingFor::Listener) if moment.hearing.running => {
            "It is on its way to those who listen; its window begins when it reaches one.".into()
        }
        Some(WaitingFor::Listener) => format!(
            "Nobody who could veto is listening, so the window of {} stands still. It becomes \
             hard if that lasts {}.",
            verdict.window, verdict.unheard_after
        ),
        Some(WaitingFor::Silence) => {
            format!("It goes ahead when {} have passed in hearing without a veto.", verdict.window)
        }
        Some(WaitingFor::Taker) => {
            let by = escalation.taken().map(|take| take.by.to_string()).unwrap_or_default();
            format!("{by} is on it; the window stands still meanwhile.")
        }
        Some(WaitingFor::Lift) => {
            "A halt is in force; it goes on when a person lifts it.".to_owned()
        }
        Some(WaitingFor::Decision) | None => hard(record),
    }
}

fn all<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Who must approve.
fn needed(record: &Record) -> String {
    let escalation = &record.escalation;
    let verdict = escalation.verdict();
    let verb = match (escalation.subject().tool(), verdict.assurance) {
        (None, Assurance::Signed) => return "A person must answer, and sign it.".to_owned(),
        (None, _) => return "A person must answer.".to_owned(),
        (Some(_), Assurance::Signed) => "sign",
        (Some(_), Assurance::Channel | Assurance::Session) => "approve",
    };
    let (have, need) = (escalation.approvals().len(), verdict.quorum.in_all().get());
    let groups = verdict.quorum.groups().iter();
    let groups: Vec<_> = groups.map(|(group, people)| format!("{people} of {group}")).collect();
    let among = match groups.is_empty() {
        true => String::new(),
        false => format!(", {}", groups.join(" and ")),
    };
    match need {
        1 if groups.is_empty() => {
            format!("A person must {verb}; no amount of waiting grants it.")
        }
        1 => format!("A person must {verb}{among}; no amount of waiting grants it."),
        _ => format!(
            "{need} people must {verb}{among} ({have} have); no amount of waiting grants it."
        ),
    }
}

fn hard(record: &Record) -> String {
    let escalation = &record.escalation;
    let people = needed(record);
    let why = match escalation.hardened() {
        None if escalation.rule().is_none() && escalation.verdict().tier == Tier::Hard => {
            match escalation.subject().tool() {
                Some(tool) => format!("No rule of the policy names {tool}. "),
                None => String::new(),
            }
        }
        None => String::new(),
        Some(Hardened::Held { by }) => format!("{by} held it. "),
        Some(Hardened::Unheard) => {
            format!("Nobody was there to hear it for {}. ", escalation.verdict().unheard_after)
        }
        Some(Hardened::SilentLimit) => format!(
            "{} has had its {} silent grants under this rule. ",
            escalation.agent(),
            escalation.verdict().silent_limit
        ),
        Some(Hardened::Edited { by }) => {
            format!("{by} edited it into something the policy calls hard. ")
        }
    };
    why + &people
}
