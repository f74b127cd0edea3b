//! Evidence: what an executor checks by itself before it acts, so that it need not trust the
//! server that says people approved.
//!
//! It knows the people's keys from elsewhere (its pins). What the server hands out counts only as
//! far as those keys have signed it: this action, for this executor, in one ceremony, lately.

mod pins;

use jiff::Timestamp;

use crate::action::Action;
use crate::id::EscalationId;
use crate::name::{AgentName, ReviewerName};
use crate::period::Period;
use crate::quorum::{Approver, Needed};
use crate::signature::{BadProof, PersonKey, Signature};
use crate::statement::{BadStatement, Decision, STATEMENT_LASTS, Statement};

pub use pins::{BadPins, Pins};

/// How far the executor's clock may be behind that of who asked people to sign.
pub const SKEW: Period = Period::from_secs(30);

/// One approval, as the server hands it out.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The statement, exactly as it was signed.
    pub statement: String,
    /// By its reviewer's key.
    pub signature: Signature,
    /// The key that the server says it is. It is shown where it is not pinned, and proves nothing.
    pub key: PersonKey,
}

/// What the server handed out to be done.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// The action.
    pub action: &'a Action,
    /// The escalation that it says was granted.
    pub escalation: EscalationId,
}

/// Why what was handed out is not proved to be people's will.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// A statement that can't be read.
    #[error("a statement can't be read: {0}")]
    Malformed(#[from] BadStatement),
    /// Signed for something else: the member that says so.
    #[error("{by} signed for something else: the statement's `{member}` is not that of this call")]
    Misfit {
        /// Who.
        by: ReviewerName,
        /// The member.
        member: &'static str,
    },
    /// Parts of two ceremonies.
    #[error("the statements are of different ceremonies, which never add up")]
    Ceremonies,
    /// Too old, from the future, or good for longer than any statement is.
    #[error("{by}'s statement was signed too long ago, or is from the future ({issued_at})")]
    Time {
        /// Who.
        by: ReviewerName,
        /// From when on it could be signed.
        issued_at: Timestamp,
    },
    /// A signature that does not hold.
    #[error("{by}'s signature does not hold: {why}")]
    Signature {
        /// Who.
        by: ReviewerName,
        /// Why.
        why: BadProof,
    },
    /// Not enough of the pinned people.
    #[error(
        "the pins ask for {needed} and {} signed it{}",
        names(.by),
        not_pinned(.unknown)
    )]
    TooFew {
        /// How many it takes.
        needed: Needed,
        /// Who did.
        by: Vec<ReviewerName>,
        /// The keys of those who are not pinned, as people compare them.
        unknown: Vec<String>,
    },
}

fn names(by: &[ReviewerName]) -> String {
    match by {
        [] => "none of them".into(),
        by => by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn not_pinned(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        keys => format!("; not pinned: {}", keys.join(", ")),
    }
}

impl Pins {
    /// Whether the pinned people approved what was handed out; those of them who did.
    pub fn check(
        &self,
        handed: &Handed<'_>,
        evidence: &[Evidence],
        at: Timestamp,
    ) -> Result<Vec<ReviewerName>, Unproved> {
        let mut signed: Vec<(&pins::Pinned, Statement)> = Vec::new();
        let mut unknown = Vec::new();
        for Evidence { statement: text, signature, key } in evidence {
            let statement = Statement::parse(text.as_bytes())?;
            let Some(pinned) = self.pinned(&statement) else {
                unknown.push(format!("{} ({})", statement.reviewer, key.fingerprint()));
                continue;
            };
            let by = || pinned.name.clone();
            if let Some(member) = self.misfit(&statement, handed) {
                return Err(Unproved::Misfit { by: by(), member });
            }
            if !self.is_of_now(&statement, at) {
                return Err(Unproved::Time { by: by(), issued_at: statement.issued_at });
            }
            signature
                .verify(&pinned.key, text.as_bytes())
                .map_err(|why| Unproved::Signature { by: by(), why })?;
            signed.push((pinned, statement));
        }
        let mut ceremonies = signed.iter().map(|(_, statement)| statement.ceremony);
        if let Some(first) = ceremonies.next()
            && ceremonies.any(|other| other != first)
        {
            return Err(Unproved::Ceremonies);
        }
        let approvers: Vec<_> = signed
            .iter()
            .map(|(pinned, _)| Approver { name: &pinned.name, groups: &pinned.groups })
            .collect();
        let mut by: Vec<_> = signed.iter().map(|(pinned, _)| pinned.name.clone()).collect();
        by.sort();
        by.dedup();
        match self.needed.is_met_by(&approvers) {
            true => Ok(by),
            false => Err(Unproved::TooFew { needed: self.needed.clone(), by, unknown }),
        }
    }

    /// The member by which a statement is for something else.
    fn misfit(&self, statement: &Statement, handed: &Handed<'_>) -> Option<&'static str> {
        let approved = statement.edited.unwrap_or(statement.digest);
        let member = if statement.edited.is_some() { "edited" } else { "digest" };
        let executor: &AgentName = &self.executor;
        let fits = [
            ("decision", statement.decision == Decision::Approve),
            ("escalation", statement.escalation == handed.escalation),
            ("audience", statement.audience == *executor),
            (member, approved == handed.action.digest()),
            ("workspace", self.workspace.as_ref().is_none_or(|own| *own == statement.workspace)),
        ];
        fits.into_iter().find(|(_, fits)| !fits).map(|(member, _)| member)
    }

    /// When it was signed can't be known better than this: within its few minutes.
    fn is_of_now(&self, statement: &Statement, at: Timestamp) -> bool {
        let Statement { issued_at, expires_at, .. } = statement;
        *issued_at < *expires_at
            && *expires_at <= STATEMENT_LASTS.after(*issued_at)
            && *issued_at <= SKEW.after(at)
            && at <= self.max_age.after(*issued_at)
    }
}
