//! Decision statements: the bytes that a person signs to approve or to answer.
//!
//! A digest alone could be signed once and shown anywhere. A statement says all that the signature
//! is for: which escalation, as it stood, in which workspace, under which policy, for whom, as one
//! of which quorum, from when until when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Action;
use crate::digest::Digest;
use crate::escalation::Escalation;
use crate::id::EscalationId;
use crate::json;
use crate::name::{AgentName, ReviewerName};
use crate::nonce::Nonce;
use crate::period::Period;
use crate::question::Question;
use crate::quorum::Needed;
use crate::signature::Signature;
use crate::tier::Tier;
use crate::verdict::Verdict;

/// The form of statements that this version writes and takes.
pub const FORM: u32 = 1;
/// How long a statement may be signed and sent.
pub const STATEMENT_LASTS: Period = Period::from_secs(10 * 60);

/// What is said. Only what permits is ever signed: refusing takes no more than a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Yes.
    Approve,
    /// The answer to a question.
    Answer,
}

/// What a person signs. Its bytes are RFC 8785 canonical JSON of exactly these members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The form: [`FORM`].
    pub v: u32,
    /// The workspace: what is signed for staging is nothing in production.
    pub workspace: String,
    /// The escalation.
    pub escalation: EscalationId,
    /// The version of it that was seen.
    pub version: u64,
    /// What was seen.
    pub digest: Digest,
    /// What is said.
    pub decision: Decision,
    /// The digest of the action with the arguments that are approved instead, if they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Digest>,
    /// SHA-256 over the canonical JSON of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Digest>,
    /// The tier that it is approved under.
    pub tier: Tier,
    /// SHA-256 of the policy that judged it.
    pub policy: Digest,
    /// Who must approve.
    pub quorum: Needed,
    /// The executor that may act on it.
    pub audience: AgentName,
    /// The agent that asks.
    pub agent: AgentName,
    /// Common to all who approve the same thing: signatures of two ceremonies never add up.
    pub ceremony: Nonce,
    /// This statement's own.
    pub nonce: Nonce,
    /// SHA-256 of the text that was displayed for it ([`display`]).
    pub display: Digest,
    /// Who says it.
    pub reviewer: ReviewerName,
    /// The id of the key that they sign with.
    pub key: Digest,
    /// From when on it may be signed.
    pub issued_at: Timestamp,
    /// When it can no longer be sent.
    pub expires_at: Timestamp,
}

/// A statement that can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    /// Not one at all.
    #[error("it is not a decision statement: {0}")]
    Malformed(String),
    /// Spelt otherwise than RFC 8785 has it.
    #[error("it is not the canonical form of what it says")]
    NotCanonical,
    /// Of another form.
    #[error("it is of the form {0}, and this version takes {FORM}")]
    Form(u32),
}

/// A statement that was made for something else: the member that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signed statement's `{0}` is not that of what is decided")]
pub struct Misfit(pub &'static str);

/// What is approved or answered, as the law has it at that moment.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The tier that it is under.
    pub tier: Tier,
    /// Who must approve, and by which policy.
    pub verdict: &'a Verdict,
    /// The ceremony that the approval is part of.
    pub ceremony: Nonce,
    /// The digest of the edited action, if it is an edit.
    pub edited: Option<Digest>,
    /// The answer, if it is one.
    pub answer: Option<&'a Value>,
}

impl Statement {
    /// The bytes that are signed.
    pub fn bytes(&self) -> Vec<u8> {
        json::canonical(self)
    }

    /// What the ledger holds of it: SHA-256 over [`Statement::bytes`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    /// Reads a statement; only its one spelling is taken.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadStatement> {
        let read: Self = json::read_into(bytes, json::Limits::default())
            .map_err(|bad| BadStatement::Malformed(bad.to_string()))?;
        if read.v != FORM {
            return Err(BadStatement::Form(read.v));
        }
        if read.bytes() != bytes {
            return Err(BadStatement::NotCanonical);
        }
        Ok(read)
    }

    /// Whether it was made for this: the escalation as it stands, under these terms, now.
    pub fn check(
        &self,
        escalation: &Escalation,
        terms: &Terms<'_>,
        at: Timestamp,
    ) -> Result<(), Misfit> {
        let subject = [
            ("escalation", self.escalation == escalation.id()),
            ("digest", self.digest == escalation.digest()),
            ("agent", self.agent == *escalation.agent()),
            ("audience", self.audience == *escalation.executor()),
            // What happened since then has not changed what is decided, only, say, who else did.
            (
                "version",
                (escalation.ceremony_since()..=escalation.version()).contains(&self.version),
            ),
        ];
        let decision = match terms.answer {
            Some(_) => Decision::Answer,
            None => Decision::Approve,
        };
        let said = [
            ("decision", self.decision == decision),
            ("edited", self.edited == terms.edited),
            ("answer", self.answer == terms.answer.map(answer_digest)),
            ("tier", self.tier == terms.tier),
            ("policy", self.policy == terms.verdict.policy),
            ("quorum", self.quorum == terms.verdict.quorum),
            ("ceremony", self.ceremony == terms.ceremony),
            (
                "issued_at",
                self.issued_at <= at && self.expires_at <= STATEMENT_LASTS.after(self.issued_at),
            ),
            ("expires_at", at < self.expires_at),
        ];
        match subject.iter().chain(&said).find(|(_, fits)| !fits) {
            Some((member, _)) => Err(Misfit(member)),
            None => Ok(()),
        }
    }
}

/// What a statement says of an answer.
pub fn answer_digest(answer: &Value) -> Digest {
    Digest::of(&json::canonical(answer))
}

/// What the ledger holds of a signature; the statement and its proof are in the entry's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The id of the key.
    pub key: Digest,
    /// [`Statement::digest`].
    pub statement: Digest,
}

/// A statement with its signature: what the body of a signed decision keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// What was signed.
    pub statement: Statement,
    /// By its reviewer's key, alone or with others.
    pub signature: Signature,
}

/// What is displayed to who signs.
#[derive(Clone, Copy, Debug)]
pub enum Displayed<'a> {
    /// An action that is approved.
    Action(&'a Action),
    /// A question and its answer.
    Answer(&'a Question, &'a Value),
}

/// The text that is displayed to who signs: of the action's or the question's own bytes alone, in
/// letters that look like nothing else. What a model says about it is no part of it.
pub fn display(
    shown: Displayed<'_>,
    agent: &AgentName,
    audience: &AgentName,
    tier: Tier,
) -> String {
    let mut lines = vec![
        ("agent", agent.to_string()),
        ("executor", audience.to_string()),
        ("tier", tier.to_string()),
    ];
    match shown {
        Displayed::Action(action) => {
            lines.push(("approve", action.tool.to_string()));
            lines.push(("arguments", spelt(&action.arguments)));
            lines.extend(action.resource.as_ref().map(|value| ("resource", spelt(value))));
            lines.extend(action.precondition.as_ref().map(|value| ("only if", spelt(value))));
        }
        Displayed::Answer(question, answer) => {
            lines.push(("question", spelt(&question.text)));
            lines.push(("answer", spelt(answer)));
        }
    }
    lines.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\n")
}

/// Indented JSON in which every character that is no letter, digit or printable ASCII is spelt out.
fn spelt<T: Serialize>(value: &T) -> String {
    let mut text = String::new();
    for c in serde_json::to_string_pretty(value).unwrap_or_default().chars() {
        match c == '\n' || c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            true => text.push(c),
            false => text.push_str(&format!("\\u{{{:04x}}}", u32::from(c))),
        }
    }
    text
}
