//! An escalation as the contract shows it.

use std::collections::BTreeMap;

use sayso_client::wire;
use sayso_core::escalation::{AskAgain, Hardened, PermitState, Settled, WaitingFor};
use sayso_core::{Event, Needed, Tier};
use sayso_engine::{Engine, Record};
use sayso_store::Past;

use crate::reason::reason;

/// An escalation without its permit, as everybody who may see it sees it.
pub(crate) fn escalation(engine: &Engine, record: &Record) -> wire::Escalation {
    let moment = engine.moment(record);
    let escalation = &record.escalation;
    let settled = escalation.settled();
    let verdict = escalation.verdict();
    let soft = escalation.is_pending() && escalation.tier() == Tier::Soft;
    let silence = settled.and_then(|settled| settled.granted.as_ref()?.grant.silence());
    wire::Escalation {
        id: escalation.id().to_string(),
        tier: escalation.tier().word().into(),
        state: if escalation.is_pending() { "pending" } else { "settled" }.into(),
        outcome: settled.map(|settled| settled.outcome.word().into()),
        basis: settled.and_then(Settled::basis).map(|basis| basis.word().into()),
        reason: reason(record, &moment),
        ask_again: settled.map(|settled| ask_again(settled.outcome.ask_again()).into()),
        waiting_for: escalation.waiting_for(&moment).map(|waiting| waiting_for(waiting).into()),
        action: record.ask.action.as_ref().map(action),
        question: record.ask.question.as_ref().map(|question| wire::Question {
            text: question.text.clone(),
            options: question.options.clone(),
            schema: question.schema.clone(),
            default: question.default.clone(),
        }),
        answer: record.answer(),
        digest: escalation.digest().to_string(),
        message: record.ask.message.clone(),
        context: record.ask.context.clone(),
        server: record.ask.server.clone(),
        agent: escalation.agent().to_string(),
        executor: escalation.executor().to_string(),
        rule: escalation.rule().map(ToString::to_string),
        policy: verdict.policy.to_string(),
        route: verdict.route.to_string(),
        quorum: verdict.quorum.in_all().get(),
        quorum_groups: groups(&verdict.quorum),
        self_approved: granted_to_oneself(record),
        answerable: escalation.answerable().iter().map(ToString::to_string).collect(),
        approvals: approvals(record),
        created_at: escalation.created_at().to_string(),
        window: (soft || silence.is_some()).then(|| verdict.window.to_string()),
        heard: escalation
            .heard(&moment)
            .or(silence.map(|(heard, _)| heard))
            .map(|heard| heard.to_string()),
        deadline: escalation.deadline(&moment).map(|at| at.to_string()),
        expires_at: escalation.is_pending().then(|| escalation.expires_at().to_string()),
        taken_by: escalation.taken().map(|take| take.by.to_string()),
        settled_at: settled.map(|settled| settled.at.to_string()),
        decisions: record.history.iter().filter_map(|past| said(past)).collect(),
        permit: None,
        receipt: receipt(record),
        version: escalation.version(),
    }
}

/// An escalation with its permit, for the agent that asked and the executor that may redeem it.
pub(crate) fn with_permit(engine: &Engine, record: &Record) -> wire::Escalation {
    let permit = engine.permit(&record.escalation);
    wire::Escalation { permit, ..escalation(engine, record) }
}

pub(crate) fn action(action: &sayso_core::Action) -> wire::Action {
    wire::Action {
        tool: action.tool.to_string(),
        arguments: action.arguments.clone(),
        resource: action.resource.clone(),
        precondition: action.precondition.clone(),
    }
}

fn approvals(record: &Record) -> u32 {
    let granted = record.escalation.settled().and_then(|settled| settled.granted.as_ref());
    let count =
        granted.map_or(record.escalation.approvals().len(), |granted| granted.grant.by().len());
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn groups(quorum: &Needed) -> BTreeMap<String, u8> {
    quorum.groups().iter().map(|(group, slots)| (group.to_string(), slots.get())).collect()
}

/// Whether somebody who answers for the agent is among those who granted it.
fn granted_to_oneself(record: &Record) -> bool {
    let granted = record.escalation.settled().and_then(|settled| settled.granted.as_ref());
    granted.is_some_and(|granted| !granted.grant.own().is_empty())
}

fn said(past: &Past) -> Option<wire::Said> {
    let by = past.event.person()?.to_string();
    let (decision, digest, assurance) = match &past.event {
        Event::Approved { approval } => {
            ("approve", Some(approval.digest().to_string()), Some(approval.assurance()))
        }
        Event::Edited { digest, .. } => ("edit", Some(digest.to_string()), None),
        Event::Denied { .. } => ("deny", None, None),
        Event::Vetoed { .. } => ("veto", None, None),
        Event::Hardened { because: Hardened::Held { .. } } => ("hold", None, None),
        Event::Answered { assurance, .. } => ("answer", None, *assurance),
        Event::Taken { .. } => ("take", None, None),
        Event::Retracted { .. } => ("retract", None, None),
        _ => return None,
    };
    Some(wire::Said {
        by,
        decision: decision.into(),
        at: past.at.to_string(),
        digest,
        assurance: assurance.map(|assurance| assurance.word().to_owned()),
        comment: Record::remark(past).and_then(|remark| remark.comment),
    })
}

fn receipt(record: &Record) -> Option<wire::Receipt> {
    let PermitState::Started { at, receipt, .. } = record.escalation.settled()?.permit()? else {
        return None;
    };
    let told = record.history.iter().rev();
    let mut told = told.take_while(|past| matches!(past.event, Event::Receipted { .. }));
    let comment = told.find_map(|past| Record::remark(past)?.comment);
    Some(match receipt {
        Some(receipt) => wire::Receipt {
            result: receipt.result.word().into(),
            at: receipt.at.to_string(),
            comment,
            reopened: receipt.reopened.map(|id| id.to_string()),
        },
        None => wire::Receipt {
            result: "started".into(),
            at: at.to_string(),
            comment: None,
            reopened: None,
        },
    })
}

fn ask_again(again: AskAgain) -> &'static str {
    match again {
        AskAgain::No => "no",
        AskAgain::WhenChanged => "when_changed",
        AskAgain::Yes => "yes",
        AskAgain::WhenLifted => "when_lifted",
    }
}

fn waiting_for(waiting: WaitingFor) -> &'static str {
    match waiting {
        WaitingFor::Listener => "listener",
        WaitingFor::Silence => "silence",
        WaitingFor::Taker => "taker",
        WaitingFor::Decision => "decision",
        WaitingFor::Lift => "lift",
    }
}

/// An escalation that its agent need not look at.
pub(crate) fn in_brief(record: &Record) -> wire::Proposed {
    let escalation = &record.escalation;
    let outcome = escalation.settled().map(|settled| settled.outcome.word().into());
    wire::Proposed { id: Some(escalation.id().to_string()), outcome, problem: None }
}
