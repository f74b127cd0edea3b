//! How an escalation begins.

use serde_json::Value;

use super::event::Event;
use super::{EXPIRES_AFTER, Escalation, LONGEST_WINDOW, Subject};
use crate::action::Action;
use crate::credential::Agent;
use crate::moment::Moment;
use crate::name::{AgentName, ReviewerName};
use crate::nonce::Nonce;
use crate::period::Period;
use crate::question::{BadQuestion, Question};
use crate::tier::Tier;
use crate::verdict::Verdict;

/// What an agent asks for.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Who asks.
    pub agent: Agent,
    /// Who started the agent, as far as it says so. It can only take approvers away.
    pub started_by: Option<ReviewerName>,
    /// Who may redeem the permit; the agent itself, if none.
    pub executor: Option<AgentName>,
    /// What is asked.
    pub subject: Subject,
    /// What the policy asks for it.
    pub verdict: Verdict,
    /// A tier the agent asks for: it can raise the policy's, never lower it.
    pub tier: Option<Tier>,
    /// A window the agent asks for: it can lengthen the policy's, never shorten it.
    pub window: Option<Period>,
    /// The ceremony in which people approve it.
    pub ceremony: Nonce,
}

impl Proposal {
    /// The same agent asks anew for what its executor found stale: the same call, under what holds
    /// now, and under no less a tier than it was granted under. None, if `stale` was a question.
    pub fn anew(
        stale: &Escalation,
        action: &Action,
        verdict: Verdict,
        ceremony: Nonce,
    ) -> Option<Self> {
        stale.subject().tool().filter(|tool| **tool == action.tool)?;
        let answerable = stale.answerable();
        Some(Self {
            agent: Agent::replayed(stale.agent().clone(), answerable.first().cloned()),
            started_by: answerable.get(1).cloned(),
            executor: Some(stale.executor().clone()),
            subject: Subject::action(action),
            verdict,
            tier: Some(stale.tier()),
            window: Some(stale.verdict().window).filter(|window| *window > Period::ZERO),
            ceremony,
        })
    }
}

/// Why a proposal is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedProposal {
    /// No time, or too much of it.
    #[error("`window` must be longer than nothing and at most {LONGEST_WINDOW}")]
    Window,
    /// A question nobody has to answer.
    #[error("`tier`: a question is soft or hard; to tell people something, propose an action")]
    FyiQuestion,
    /// Silence has nothing to answer.
    #[error("`question.default` is missing: say what you go by on silence, or ask at tier hard")]
    NoDefault,
    /// The question is not one people can answer.
    #[error("`question`: {0}")]
    Question(#[from] BadQuestion),
}

impl Subject {
    /// An action as a subject.
    pub fn action(action: &Action) -> Self {
        Self::Action { tool: action.tool.clone(), digest: action.digest() }
    }

    /// A question as a subject.
    pub fn question(question: &Question) -> Result<Self, BadQuestion> {
        let default: Option<Value> = question.default.clone();
        Ok(Self::Question { digest: question.digest(), form: question.form()?, default })
    }
}

/// Begins an escalation: the first events of its history.
pub fn open(proposal: Proposal, moment: &Moment) -> Result<Vec<Event>, RefusedProposal> {
    let Proposal { agent, started_by, executor, subject, mut verdict, tier, window, ceremony } =
        proposal;
    if window.is_some_and(|window| window == Period::ZERO || window > LONGEST_WINDOW) {
        return Err(RefusedProposal::Window);
    }
    verdict.tier = verdict.tier.max(tier.unwrap_or(Tier::Fyi));
    verdict.window = verdict.window.max(window.unwrap_or(Period::ZERO));
    if let Subject::Question { default, .. } = &subject {
        match verdict.tier {
            Tier::Fyi => return Err(RefusedProposal::FyiQuestion),
            Tier::Soft if default.is_none() => return Err(RefusedProposal::NoDefault),
            Tier::Soft | Tier::Hard => {}
        }
    }

    let mut answerable: Vec<_> = agent.owner().cloned().into_iter().chain(started_by).collect();
    answerable.sort();
    answerable.dedup();
    let agent = agent.name().clone();
    let executor = executor.unwrap_or_else(|| agent.clone());
    let tier = verdict.tier;
    // The time to decide begins when a window would have passed, however long that is.
    let window = if tier == Tier::Soft { verdict.window } else { Period::ZERO };
    let expires_at = EXPIRES_AFTER.plus(window).after(moment.at);
    let proposed =
        Event::Proposed { agent, answerable, executor, subject, verdict, expires_at, ceremony };
    let mut events = vec![proposed];
    match (moment.halt, tier) {
        (Some(halt), _) => events.push(Event::Halted { halt }),
        (None, Tier::Fyi) => events.push(Event::Noted),
        (None, Tier::Soft | Tier::Hard) => {}
    }
    Ok(events)
}
