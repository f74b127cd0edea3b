//! What agents propose, and what the policy asks for it.

use std::sync::Arc;

use sayso_core::action::POLICY_APPLY;
use sayso_core::credential::Agent;
use sayso_core::escalation::Proposal;
use sayso_core::{
    Action, AgentName, Digest, EscalationId, Nonce, Period, Question, ReviewerName, RuleName, Tier,
    Verdict,
};
use sayso_policy::{Call, Policy};
use sayso_store::KeyName;
use serde_json::Value;

use super::Engine;
use crate::error::EngineError;
use crate::job::{Propose, Work};
use crate::record::{Ask, Record};
use crate::standing::Standing;

/// What an escalation is to be about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An action, to be judged by the policy.
    Action(Action),
    /// A question.
    Question(Question),
}

/// What an agent asks for.
#[derive(Clone, Debug)]
pub struct NewEscalation {
    /// An action or a question.
    pub subject: Subject,
    /// What the model says about it.
    pub message: String,
    /// What the model shows with it.
    pub context: Option<Value>,
    /// The MCP server whose tool it is, if that is known.
    pub server: Option<String>,
    /// The tier the agent asks for, if it wants more than the policy.
    pub tier: Option<Tier>,
    /// The window the agent asks for, if it wants more than the policy.
    pub window: Option<Period>,
    /// Who started the agent, as far as it says so.
    pub started_by: Option<ReviewerName>,
    /// Who will redeem the permit, if not the agent itself.
    pub executor: Option<AgentName>,
    /// Idempotency key, and the digest of the request it came with.
    pub key: Option<(String, Digest)>,
    /// Whether to answer with the same call's escalation, if there is one to join.
    pub join: bool,
}

impl Engine {
    /// An agent proposes.
    pub async fn propose(
        &self,
        agent: &Agent,
        new: NewEscalation,
    ) -> Result<Arc<Record>, EngineError> {
        let NewEscalation { subject, message, context, server, tier, window, .. } = new;
        let NewEscalation { started_by, executor, key, join, .. } = new;
        if let Some(name) = executor.as_ref().filter(|name| *name != agent.name())
            && self.authority().directory().await?.agent(name).is_none()
        {
            return Err(EngineError::NoSuchExecutor(name.to_string()));
        }
        let policy = self.policy().policy;
        let mut ask = Ask { message, context, server, ..Ask::default() };
        let (subject, verdict) = match subject {
            Subject::Action(action) => {
                self.check_tool(agent.name(), &action).await?;
                let call = call(&action, agent.name(), &ask);
                let (verdict, untold) = policy.judge_and_tell(&call);
                let verdict = at_least(verdict, &policy, &call, tier);
                self.report_untold(&call, &untold);
                self.look_in_shadow(&policy, &call, &verdict);
                let subject = sayso_core::escalation::Subject::action(&action);
                ask.action = Some(action);
                (subject, verdict)
            }
            Subject::Question(question) => {
                let tier = tier.unwrap_or(match question.default {
                    Some(_) => Tier::Soft,
                    None => Tier::Hard,
                });
                let subject = sayso_core::escalation::Subject::question(&question)
                    .map_err(sayso_core::escalation::RefusedProposal::from)?;
                ask.question = Some(question);
                (subject, policy.question(tier))
            }
        };
        let id = EscalationId::from_uuid(uuid::Uuid::now_v7());
        let agent_name = agent.name().clone();
        let proposal = Proposal {
            agent: agent.clone(),
            started_by,
            executor,
            subject,
            verdict,
            tier,
            window,
            ceremony: Nonce::from_entropy(crate::entropy()),
        };
        let key = key.map(|(key, print)| (KeyName { agent: agent_name, key }, print));
        let restored = if join { self.authority().restored().await? } else { None };
        let propose = Propose { id, proposal, ask: Arc::new(ask), key, join, restored };
        self.run_for_record(id, Work::Propose(Box::new(propose))).await
    }

    /// Tells of rules that a call could not be held against, so that somebody mends them or the
    /// agent.
    fn report_untold(&self, call: &Call<'_>, rules: &[&RuleName]) {
        for rule in rules {
            self.shared().metrics.rule_untold();
            tracing::warn!(
                %rule, tool = %call.action.tool, agent = %call.agent,
                "whether this rule applies can't be told, so it counts where it is stricter; \
                 `sayso policy explain` shows why"
            );
        }
    }

    /// Whether the agent may propose that tool at all.
    pub(super) async fn check_tool(
        &self,
        agent: &AgentName,
        action: &Action,
    ) -> Result<(), EngineError> {
        let standing = Standing::new(self.authority().directory().await?);
        let allowed = standing.uses(agent, &action.tool);
        allowed.inspect_err(|_| self.shared().metrics.forbidden_tool())
    }

    /// Tells what the rules in shadow would have changed.
    fn look_in_shadow(&self, policy: &Policy, call: &Call<'_>, verdict: &Verdict) {
        let Some(would_be) = policy.judge_with_shadow(call) else { return };
        if would_be == *verdict {
            return;
        }
        self.shared().metrics.shadow_differs();
        let rule = would_be.rule.as_ref().map_or("(none)", |rule| rule.as_str());
        tracing::info!(
            tool = %call.action.tool, agent = %call.agent, tier = %verdict.tier,
            would_be = %would_be.tier, rule, "rules in shadow would ask for something else"
        );
    }
}

/// An action as the policy looks at it.
pub(super) fn call<'a>(action: &'a Action, agent: &'a AgentName, ask: &'a Ask) -> Call<'a> {
    let (server, context) = (ask.server.as_deref(), ask.context.as_ref());
    Call { action, agent, server, context }
}

/// What the policy asks for an action.
pub(super) fn judge(policy: &Policy, call: &Call<'_>, asked: Option<Tier>) -> Verdict {
    at_least(policy.judge(call), policy, call, asked)
}

/// What is asked whatever the rules say. A review of the model's own words runs nothing, so only a
/// rule that names it asks for more than the model does. A new policy needs people, whatever the
/// present one says.
fn at_least(verdict: Verdict, policy: &Policy, call: &Call<'_>, asked: Option<Tier>) -> Verdict {
    if call.action.tool.as_str() == POLICY_APPLY {
        return Verdict { tier: Tier::Hard, ..verdict };
    }
    match asked {
        Some(asked) if verdict.rule.is_none() && call.action.is_review() => policy.question(asked),
        _ => verdict,
    }
}
