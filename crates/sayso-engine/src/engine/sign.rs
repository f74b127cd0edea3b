//! Decisions that people sign: the statement to be signed, and what comes back.

use std::sync::Arc;

use sayso_core::credential::Person;
use sayso_core::decision::{NotSigned, OwnSignature, Says, Seen, VerifiedDecision};
use sayso_core::signature::PersonKey;
use sayso_core::statement::{
    self, Decision, Displayed, FORM, Misfit, STATEMENT_LASTS, SignedStatement, display,
};
use sayso_core::{
    Action, Command, Digest, Directory, EscalationId, Nonce, Refusal, Statement, Tier, Verdict,
};
use serde_json::{Map, Value};

use super::Engine;
use super::people::DecideError;
use crate::error::EngineError;
use crate::record::{Edited, Record, Remark};

/// What a person means to sign. Only what permits is ever signed.
#[derive(Clone, Debug)]
pub enum Intent {
    /// To approve it as it is.
    Approve,
    /// To approve it with other arguments.
    ApproveEdited(Map<String, Value>),
    /// To answer the question.
    Answer(Value),
}

/// What is to be signed, and the text to display with it.
#[derive(Clone, Debug)]
pub struct ToSign {
    /// The statement.
    pub statement: Statement,
    /// The text: its digest is the statement's `display`.
    pub display: String,
}

/// An intent, looked at in view of what it is about.
struct Meant {
    says: Says,
    tier: Tier,
    verdict: Verdict,
    /// The action with its new arguments.
    edited: Option<Action>,
    display: String,
}

impl Engine {
    /// The statement by which that person would say so with that key of theirs, as things stand.
    pub async fn to_sign(
        &self,
        id: EscalationId,
        person: &Person,
        intent: Intent,
        key: Digest,
    ) -> Result<ToSign, DecideError> {
        self.own_key(person, key).await?;
        let record = self.get(id).await?;
        let escalation = &record.escalation;
        if let Some(settled) = escalation.settled() {
            let (outcome, by) = (settled.outcome, settled.by.clone());
            return Err(EngineError::from(Refusal::AlreadySettled { outcome, by }).into());
        }
        let nonce = || Nonce::from_entropy(crate::entropy());
        let ceremony = match intent {
            Intent::ApproveEdited(_) => nonce(),
            Intent::Approve | Intent::Answer(_) => escalation.ceremony(),
        };
        let meant = self.meant(&record, intent, ceremony)?;
        let issued_at = self.now();
        let answer = match &meant.says {
            Says::Answer(answer) => Some(statement::answer_digest(answer)),
            _ => None,
        };
        let statement = Statement {
            v: FORM,
            workspace: self.store().workspace().to_owned(),
            escalation: id,
            version: escalation.version(),
            digest: escalation.digest(),
            decision: if answer.is_some() { Decision::Answer } else { Decision::Approve },
            edited: meant.edited.as_ref().map(Action::digest),
            answer,
            tier: meant.tier,
            policy: meant.verdict.policy,
            quorum: meant.verdict.quorum,
            audience: escalation.executor().clone(),
            agent: escalation.agent().clone(),
            ceremony,
            nonce: nonce(),
            display: Digest::of(meant.display.as_bytes()),
            reviewer: person.name().clone(),
            key,
            issued_at,
            expires_at: STATEMENT_LASTS.after(issued_at),
        };
        Ok(ToSign { statement, display: meant.display })
    }

    /// A person decides by what they signed.
    pub async fn decide_signed(
        &self,
        id: EscalationId,
        person: &Person,
        intent: Intent,
        signed: SignedStatement,
        comment: Option<String>,
    ) -> Result<Arc<Record>, DecideError> {
        let SignedStatement { statement, signature } = &signed;
        let key = self.own_key(person, statement.key).await?;
        let record = self.get(id).await?;
        let meant = self.meant(&record, intent, statement.ceremony)?;
        if statement.display != Digest::of(meant.display.as_bytes()) {
            return Err(DecideError::NotSigned(NotSigned::Misfit(Misfit("display"))));
        }
        let answer = match &meant.says {
            Says::Answer(answer) => Some(answer.clone()),
            _ => None,
        };
        let seen = Seen::digest(statement.digest);
        let workspace = self.store().workspace();
        let own = OwnSignature { workspace, statement, key: &key, signature };
        let decision = VerifiedDecision::by_signature(person, meant.says, seen, &own)?;
        let body = match meant.edited {
            Some(action) => serde_json::to_vec(&Edited { action, comment, signed: Some(signed) }),
            None => serde_json::to_vec(&Remark { comment, answer, signed: Some(signed) }),
        };
        // Without its body the signature would be lost, and with it what was asked for.
        let body = body.map_err(|error| EngineError::Store(error.into()))?;
        Ok(self.act(id, Command::Decide(decision), Some(body)).await?)
    }

    fn meant(
        &self,
        record: &Record,
        intent: Intent,
        ceremony: Nonce,
    ) -> Result<Meant, EngineError> {
        let escalation = &record.escalation;
        let (agent, audience) = (escalation.agent(), escalation.executor());
        let (tier, verdict) = (escalation.tier(), escalation.verdict());
        let shown = |shown, tier| display(shown, agent, audience, tier);
        let own =
            |says, display| Meant { says, tier, verdict: verdict.clone(), edited: None, display };
        match (intent, &record.ask.action, &record.ask.question) {
            (Intent::Approve, Some(action), _) => {
                Ok(own(Says::Approve, shown(Displayed::Action(action), tier)))
            }
            (Intent::ApproveEdited(arguments), Some(action), _) => {
                let action = action.with_arguments(arguments);
                let edit = self.edit(record, &action, ceremony);
                let verdict = edit.verdict.in_place_of(escalation);
                let tier = verdict.tier;
                let display = shown(Displayed::Action(&action), tier);
                let says = Says::ApproveEdited(edit);
                Ok(Meant { says, tier, verdict, edited: Some(action), display })
            }
            (Intent::Answer(answer), _, Some(question)) => {
                let display = shown(Displayed::Answer(question, &answer), tier);
                Ok(own(Says::Answer(answer), display))
            }
            (Intent::Answer(_), Some(_), None) => Err(Refusal::IsAction.into()),
            (Intent::Approve | Intent::ApproveEdited(_), None, Some(_)) => {
                Err(Refusal::IsQuestion.into())
            }
            (_, None, None) => Err(EngineError::Erased),
        }
    }

    /// A person's own key, if what it signs counts.
    async fn own_key(&self, person: &Person, id: Digest) -> Result<PersonKey, DecideError> {
        let own = |directory: &Directory| {
            let key = directory.key(id).filter(|key| key.counts() && key.person == *person.name());
            key.map(|key| key.key.clone())
        };
        let found = self.authority().find(own).await.map_err(EngineError::from)?;
        found.ok_or(DecideError::NotYourKey(id))
    }
}
