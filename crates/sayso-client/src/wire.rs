//! The JSON of the HTTP contract, v1.
//!
//! Requests refuse unknown fields; answers may gain fields, so readers ignore what they don't
//! know. Times are RFC 3339 in UTC, lengths of time are texts like `15m`, ids are UUIDs.

use std::collections::BTreeMap;

mod authority;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use authority::*;

/// What an agent wants to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The tool to be called, 1 to 128 printable ASCII characters.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "git_merge", min_length = 1, max_length = 128)
    )]
    pub tool: String,
    /// What it is called with.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// What it is done to, where the arguments don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Value>,
    /// What must still hold when it runs (an etag, a git head).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<Value>,
}

/// What an agent wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// The answers to choose from; none means free text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// A small flat form, as JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Map<String, Value>>,
    /// What the agent goes by, if a soft question's window passes in heard silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// `POST /v1/escalations`: exactly one of `action` and `question`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// What the agent wants to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What the agent wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What the agent says about it. Shown apart from the action, and not part of its digest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// `fyi`, `soft` or `hard` (or 1, 2, 3): raises what the policy asks, never lowers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "soft"))]
    pub tier: Option<Value>,
    /// What the agent shows with it: any JSON. A text under `diff` is shown as a diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// The MCP server whose tool it is, if that is known. Not part of the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// A longer window than the policy's, like `30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "30m"))]
    pub window: Option<Value>,
    /// Who started the agent. Where the policy says so, they can't approve what it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// The agent that will redeem the permit, if it is not the one that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// If this agent's same call is still open, granted and unused, or was refused within the last
    /// ten minutes, answer with that one instead of asking anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub join: bool,
}

/// `POST /v1/escalations/batch`: several proposals, each on its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// 1 to 100 of them.
    pub items: Vec<Propose>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// One for each proposal, in their order.
    pub items: Vec<Proposed>,
}

/// What became of one proposal of a batch: either an escalation, in brief, or a problem.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proposed {
    /// The escalation that it began or joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// That one's outcome, if it has one already; `noted` for what only had to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it began none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// `POST /v1/escalations/{id}/decisions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// `approve`, `deny`, `veto`, `hold`, `answer`, `take` or `retract`.
    #[cfg_attr(feature = "openapi", schema(example = "approve"))]
    pub decision: String,
    /// The digest that was seen; needed to approve and to answer, checked whenever it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The version that was seen, to insist that nothing else happened since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What the person says about it. The agent can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// With `approve`: other arguments than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Map<String, Value>>,
    /// With `answer`: the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// With `approve` and `answer`: what the person signed. The digest is the statement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// A signature over a decision statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The statement, exactly as it was handed out.
    pub statement: String,
    /// The proof: `{"kind":"passkey","authenticator_data":…,"client_data_json":…,"signature":…}`, each
    /// in base64url, or `{"kind":"ssh","signature":"-----BEGIN SSH SIGNATURE-----…"}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub proof: Value,
    /// The digests of all statements that were signed at once, if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<String>>,
}

/// `POST /v1/escalations/{id}/statements`: what a person would sign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// `approve` or `answer`.
    #[cfg_attr(feature = "openapi", schema(example = "approve"))]
    pub decision: String,
    /// The id of the key to sign with.
    pub key: String,
    /// With `approve`: other arguments than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Map<String, Value>>,
    /// With `answer`: the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
}

/// A decision statement, to be signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToSign {
    /// The statement: sign exactly these bytes, and send them back.
    pub statement: String,
    /// SHA-256 over it.
    pub digest: String,
    /// The text to show to who signs; its SHA-256 is in the statement.
    pub display: String,
    /// An SSH key signs the statement under this namespace (`ssh-keygen -Y sign -n …`).
    pub namespace: String,
    /// A passkey signs this challenge, in base64url.
    pub challenge: String,
    /// When it can no longer be sent.
    pub expires_at: String,
}

/// Something a person said about an escalation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Said {
    /// Who.
    pub by: String,
    /// `approve`, `edit`, `deny`, `veto`, `hold`, `answer`, `take` or `retract`.
    pub decision: String,
    /// When.
    pub at: String,
    /// The digest they approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How strongly it is tied to them: `channel`, `session` or `signed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<String>,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What came of running what was granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// `started`, `succeeded`, `failed`, `stale` or `unknown`.
    pub result: String,
    /// When that was known.
    pub at: String,
    /// What the executor said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// With `stale`: the escalation that asks anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<String>,
}

/// An escalation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Escalation {
    /// Its id: a UUIDv7.
    pub id: String,
    /// `fyi`, `soft` or `hard`, as it stands now.
    pub tier: String,
    /// `pending` or `settled`.
    pub state: String,
    /// How it ended: `granted`, `denied`, `vetoed`, `expired`, `withdrawn`, `halted`, `noted` or
    /// `answered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it was granted or answered: `decision` or `silence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Why it stands as it does, in words for the agent.
    pub reason: String,
    /// Once settled, whether asking again makes sense: `no`, `when_changed`, `yes` or
    /// `when_lifted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_again: Option<String>,
    /// While pending: `listener`, `silence`, `taker`, `decision` or `lift`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// What the agent wants to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What the agent wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// The answer to the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// What people decide on: SHA-256 over the RFC 8785 canonical JSON of the action (or question).
    pub digest: String,
    /// What the agent says about it.
    #[serde(default)]
    pub message: String,
    /// What the agent shows with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// The MCP server whose tool it is, if that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Who asked.
    pub agent: String,
    /// Who may redeem the permit.
    pub executor: String,
    /// The rule that set the tier; absent when none matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// SHA-256 of the policy that judged it.
    pub policy: String,
    /// Who is told.
    pub route: String,
    /// How many people must approve.
    pub quorum: u8,
    /// How many of them must be of which group, if the policy says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quorum_groups: BTreeMap<String, u8>,
    /// Who answers for the agent: who owns it, and who started it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answerable: Vec<String>,
    /// Whether somebody who answers for the agent is among those who granted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_approved: bool,
    /// How many people have approved the present digest.
    pub approvals: u32,
    /// When it was proposed.
    pub created_at: String,
    /// Soft: how much heard silence counts as consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Soft: how much has been heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<String>,
    /// Soft: when silence will have granted it. Absent while nobody hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// While pending: when it ends undecided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Who is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
    /// What people said about it.
    pub decisions: Vec<Said>,
    /// Once granted and unused, for the agent and the executor only: the permit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<String>,
    /// Once redeemed: what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// How many events it has had.
    pub version: u64,
}

impl Escalation {
    /// Whether it is still open.
    pub fn is_pending(&self) -> bool {
        self.state == "pending"
    }

    /// Whether it may be done, or was answered, or needed nothing.
    pub fn is_granted(&self) -> bool {
        matches!(self.outcome.as_deref(), Some("granted" | "noted" | "answered"))
    }
}

/// A page of escalations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page {
    /// The escalations, newest first.
    pub items: Vec<Escalation>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next: Option<String>,
}

/// `POST /v1/permits/redeem`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The permit: a compact JWS.
    pub permit: String,
}

/// What redeeming gives. Run exactly this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Redeemed {
    /// What was approved.
    pub action: Action,
    /// Its digest.
    pub digest: String,
    /// The permit's id, for the receipt.
    pub permit_id: String,
    /// The escalation it belongs to.
    pub escalation: String,
    /// When it was started: now.
    pub started_at: String,
    /// What people signed for it, so that the executor can check it by keys that it knows from
    /// elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// One approval, as its person signed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// The statement, exactly as it was signed.
    pub statement: String,
    /// The proof over it, or over the batch that it was signed in.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub proof: Value,
    /// The digests of all statements that were signed at once, if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<String>>,
    /// The key that it was signed with: as the server says, so look whether you know it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub key: Value,
}

/// `POST /v1/permits/{id}/receipt`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `succeeded`, `failed`, `stale` or `unknown`.
    #[cfg_attr(feature = "openapi", schema(example = "succeeded"))]
    pub result: String,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// With `stale`: what holds now, instead of the action's `precondition`. The same is asked anew
    /// with it; the receipt's `reopened` says where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<Value>,
}

/// The policy in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    /// Its hash, as escalations name it.
    pub hash: String,
    /// Its text, TOML.
    pub text: String,
    /// What is wrong with a newer one that was not taken up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// `PUT /v1/policy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PutPolicy {
    /// The policy's text, TOML.
    pub policy: String,
    /// The permit of a granted `sayso.policy.apply`, if it asks for less anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<String>,
}

/// `POST /v1/halts`. Without `agent`, `tool` and `rule`, everything is halted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CallHalt {
    /// Only this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only this tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Only this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A halt in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Halt {
    /// Its id.
    pub id: String,
    /// The agent it covers, if it is one agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The tool it covers, if it is one tool's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The rule it covers, if it is one rule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    pub reason: String,
    /// Who called it.
    pub by: String,
    /// When.
    pub at: String,
}

/// The halts in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Halts {
    /// All of them, oldest first.
    pub items: Vec<Halt>,
}

/// The text that a ledger's entry holds the hash of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Body {
    /// Which entry's, from 0 on.
    pub index: u64,
    /// What its hash begins with, in hexadecimal digits.
    pub salt: String,
    /// The text.
    pub content: String,
}

/// A stretch of a ledger's texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bodies {
    /// Those that are there, in order of index.
    pub items: Vec<Body>,
}

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Erased {
    /// How many texts.
    pub texts: usize,
}

/// An error, as RFC 9457 has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Which problem: stable, documented, for programs to tell apart.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "/problems/digest-moved"))]
    pub kind: String,
    /// The same in a few words, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and how to mend it.
    pub detail: String,
    /// The field at fault: a JSON pointer into the request, or a header's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The present digest, where the one decided on has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Who the caller is: `GET /v1/me`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Their name.
    pub name: String,
    /// `agent`, or a person's roles.
    pub roles: Vec<String>,
    /// The tools that an agent may propose, as globs; any, if it is bound to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// A person's own key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    /// Its id: SHA-256 over its canonical JSON.
    pub id: String,
    /// Whose.
    pub person: String,
    /// `passkey` or `ssh`.
    pub kind: String,
    /// The public key's fingerprint, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
    /// `offered`, or `enrolled`: only then does what it signs count.
    pub standing: String,
    /// Who vouches for it; nobody, if it was the first key of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersigned_by: Option<String>,
}

/// Keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Keys {
    /// The keys in force.
    pub items: Vec<Key>,
}

/// `POST /v1/keys`: an SSH key of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OfferKey {
    /// The line of its `.pub` file.
    pub public_key: String,
}

/// `POST /v1/keys/{id}/statements`: what one would sign to vouch for that key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Vouch {
    /// The id of one's own key, to sign with.
    pub by: String,
}

/// An enrolment statement, to be signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// The statement: sign exactly these bytes, and send them back within a day.
    pub statement: String,
    /// An SSH key signs the statement under this namespace (`ssh-keygen -Y sign -n …`).
    pub namespace: String,
    /// A passkey signs this challenge, in base64url.
    pub challenge: String,
}

/// `POST /v1/keys/{id}/countersignatures`: what one signed to vouch for that key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Countersign {
    /// The statement, exactly as it was handed out.
    pub statement: String,
    /// The proof, as with a decision's signature.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub proof: Value,
}
