//! Step 7: whether people signed what the ledger says that they decided, with keys that were
//! theirs; and whether somebody vouched for those keys.

use jiff::Timestamp;
use sayso_core::decision::Assurance;
use sayso_core::directory::{Change, Countersigned, Directory, Key, Standing};
use sayso_core::enrolment::Countersignature;
use sayso_core::grant::Approval;
use sayso_core::signature::PersonKey;
use sayso_core::statement::{Displayed, Signed, SignedStatement, Statement, Terms, display};
use sayso_core::{
    Action, AgentName, Digest, Escalation, Event, Question, ReviewerName, Tier, Verdict, json,
};
use serde_json::Value;

use super::history::Happened;
use super::report::{Findings, Place, Step};

/// Keys that an auditor has from elsewhere than the log.
#[derive(Clone, Debug, Default)]
pub struct KnownKeys {
    /// The organisation's, which vouches for people's.
    pub organisation: Option<PersonKey>,
    /// Fingerprints (`SHA256:…`) of keys that need nobody to vouch for them.
    pub pinned: Vec<String>,
}

/// What was displayed to who signs, as far as the text was at hand.
#[derive(Debug)]
pub(super) enum Shown {
    /// The digest of what was displayed for an action, by tier.
    Action { soft: Digest, hard: Digest },
    /// A question; what was displayed also has its answer.
    Question(Box<Question>),
}

impl Shown {
    pub(super) fn action(action: &Action, agent: &AgentName, executor: &AgentName) -> Self {
        let digest =
            |tier| Digest::of(display(Displayed::Action(action), agent, executor, tier).as_bytes());
        Self::Action { soft: digest(Tier::Soft), hard: digest(Tier::Hard) }
    }

    fn digest(&self, state: &Escalation, tier: Tier, answer: Option<&Value>) -> Option<Digest> {
        match (self, answer) {
            (Self::Action { hard, .. }, None) if tier == Tier::Hard => Some(*hard),
            (Self::Action { soft, .. }, None) => Some(*soft),
            (Self::Question(question), Some(answer)) => {
                let shown = Displayed::Answer(question, answer);
                let text = display(shown, state.agent(), state.executor(), tier);
                Some(Digest::of(text.as_bytes()))
            }
            (Self::Action { .. }, Some(_)) | (Self::Question(_), None) => None,
        }
    }
}

/// What lets something happen: an approval, or an answer of a person's.
pub(super) struct SaySo<'a> {
    pub(super) index: u64,
    pub(super) by: &'a ReviewerName,
    pub(super) assurance: Option<Assurance>,
    pub(super) signed: Option<Signed>,
}

impl<'a> SaySo<'a> {
    /// That of the step that these events begin with. An edit comes with its editor's approval.
    pub(super) fn of(events: &[&'a Happened]) -> Option<Self> {
        let (first, rest) = events.split_first()?;
        match &first.event {
            Event::Approved { approval } => Some(Self::approval(first.index, approval)),
            Event::Edited { .. } => rest.iter().find_map(|next| match &next.event {
                Event::Approved { approval } => Some(Self::approval(next.index, approval)),
                _ => None,
            }),
            Event::Answered { by: Some(by), assurance, signed, .. } => {
                let (assurance, signed) = (*assurance, *signed);
                Some(Self { index: first.index, by, assurance, signed })
            }
            _ => None,
        }
    }

    fn approval(index: u64, approval: &'a Approval) -> Self {
        let (assurance, signed) = (Some(approval.assurance()), approval.signed());
        Self { index, by: approval.by(), assurance, signed }
    }
}

/// A say-so that is recorded as signed.
pub(super) struct Claim<'a> {
    pub(super) by: &'a ReviewerName,
    pub(super) signed: Signed,
    /// The statement, if the text is at hand.
    pub(super) text: Option<&'a SignedStatement>,
    /// The action as it is after the edit that came with it, or else before.
    pub(super) shown: Option<&'a Shown>,
    /// If it is an edit: the new digest, what the policy asks for it, and its ceremony.
    pub(super) edit: Option<&'a Event>,
    pub(super) answer: Option<&'a Value>,
}

/// Checks a signed say-so on an escalation as it stood before.
pub(super) fn check(
    claim: &Claim<'_>,
    workspace: &str,
    state: &Escalation,
    directory: &Directory,
    at: Timestamp,
    place: Place,
    found: &mut Findings,
) {
    found.looked(Step::Signatures);
    let Some(text) = claim.text else {
        let says = "the statement that was signed is not at hand";
        return found.redact(Step::Signatures, place, says);
    };
    let index = place.index.unwrap_or_default();
    let checked = key_of(claim, directory, index)
        .and_then(|key| holds(claim, text, &key.key, workspace))
        .and_then(|()| fits(claim, &text.statement, state, at));
    if let Err(says) = checked {
        return found.refute(Step::Signatures, place, says);
    }
    let (tier, _) = terms_of(claim, state);
    match claim.shown.and_then(|shown| shown.digest(state, tier, claim.answer)) {
        Some(shown) if shown == text.statement.display => {}
        Some(_) => {
            let says = "the signed statement is over another text than is displayed for this";
            found.refute(Step::Signatures, place, says);
        }
        None => {
            let says = "what was displayed to who signed can't be told: its text is not at hand";
            found.redact(Step::Signatures, place, says);
        }
    }
}

fn key_of<'a>(claim: &Claim<'_>, directory: &'a Directory, index: u64) -> Result<&'a Key, String> {
    let Claim { by, signed: Signed { key: id, .. }, .. } = claim;
    let key = directory.key(*id).ok_or_else(|| format!("nobody ever had the key {id:.12}"))?;
    if key.person != **by {
        return Err(format!("the key {id:.12} is {}'s, not {by}'s", key.person));
    }
    if key.counts_at(index) {
        return Ok(key);
    }
    Err(match (&key.standing, key.until) {
        (Standing::Offered, _) => format!("the key {id:.12} of {by} was never vouched for"),
        (Standing::Enrolled { .. }, Some(until)) if until <= index => {
            format!("the key {id:.12} of {by} was revoked before, at entry {until}")
        }
        (Standing::Enrolled { from, .. }, _) => {
            format!("the key {id:.12} of {by} was enrolled only at entry {from}")
        }
    })
}

fn holds(
    claim: &Claim<'_>,
    text: &SignedStatement,
    key: &PersonKey,
    workspace: &str,
) -> Result<(), String> {
    let SignedStatement { statement, signature } = text;
    let bytes = json::try_canonical(statement).map_err(|bad| bad.to_string())?;
    let members = [
        ("digest in the ledger", Digest::of(&bytes) == claim.signed.statement),
        ("key", statement.key == claim.signed.key),
        ("reviewer", statement.reviewer == *claim.by),
        ("workspace", statement.workspace == workspace),
    ];
    if let Some((member, _)) = members.iter().find(|(_, fits)| !fits) {
        return Err(format!("the signed statement's `{member}` is not that of what is decided"));
    }
    signature
        .verify(key, &bytes)
        .map_err(|bad| format!("the signature of {} does not hold: {bad}", claim.by))
}

fn fits(
    claim: &Claim<'_>,
    statement: &Statement,
    state: &Escalation,
    at: Timestamp,
) -> Result<(), String> {
    let (tier, verdict) = terms_of(claim, state);
    let (edited, ceremony) = match claim.edit {
        Some(Event::Edited { digest, ceremony, .. }) => (Some(*digest), *ceremony),
        _ => (None, state.ceremony()),
    };
    let terms = Terms { tier, verdict, ceremony, edited, answer: claim.answer };
    statement.check(state, &terms, at).map_err(|misfit| misfit.to_string())
}

fn terms_of<'a>(claim: &Claim<'a>, state: &'a Escalation) -> (Tier, &'a Verdict) {
    match claim.edit {
        Some(Event::Edited { verdict, .. }) => (verdict.tier, verdict),
        _ => (state.tier(), state.verdict()),
    }
}

/// Looks at who vouches for a key, before the directory takes it.
pub(super) fn check_enrolment(
    change: &Change,
    body: Option<&[u8]>,
    workspace: &str,
    directory: &Directory,
    known: &KnownKeys,
    index: u64,
    found: &mut Findings,
) {
    let Change::KeyEnrolled { person, key: id, countersigned } = change else { return };
    found.looked(Step::Signatures);
    let place = Place::entry(index);
    let print = directory.key(*id).map(|key| key.key.fingerprint()).unwrap_or_default();
    if known.pinned.contains(&print) {
        return;
    }
    let (voucher, statement) = match countersigned {
        Countersigned::First => {
            let says = match known.pinned.is_empty() {
                true => format!(
                    "nobody vouches for the first key, {person}'s {print}: compare it, and pin it"
                ),
                false => format!("the first key, {person}'s {print}, is none of those pinned"),
            };
            return match known.pinned.is_empty() {
                true => found.wonder(Step::Signatures, place, says),
                false => found.refute(Step::Signatures, place, says),
            };
        }
        Countersigned::Reviewer { name, key, statement } => {
            let by = directory.key(*key).filter(|by| by.person == *name && by.counts_at(index));
            let Some(by) = by else {
                let says =
                    format!("{name} vouches for {person}'s key with a key that does not count");
                return found.refute(Step::Signatures, place, says);
            };
            (&by.key, statement)
        }
        Countersigned::Organisation { key, statement } => match &known.organisation {
            Some(organisation) if organisation.id() == *key => (organisation, statement),
            Some(_) => {
                let says = format!("{person}'s key is vouched for by another organisation's key");
                return found.refute(Step::Signatures, place, says);
            }
            None => {
                let says =
                    format!("the organisation's key vouches for {person}'s; it is not at hand");
                return found.wonder(Step::Signatures, place, says);
            }
        },
    };
    let Some(body) = body else {
        let says = format!("what vouches for {person}'s key is not at hand");
        return found.redact(Step::Signatures, place, says);
    };
    let checked = json::read_into::<Countersignature>(body, json::Limits::default())
        .map_err(|bad| bad.to_string())
        .and_then(|signature| match signature.digest() == *statement {
            true => Ok(signature),
            false => Err("it is another statement than the ledger names".into()),
        })
        .and_then(|signature| {
            signature.check(workspace, person, *id, voucher).map_err(|bad| bad.to_string())
        });
    if let Err(why) = checked {
        let says = format!("nobody vouches for {person}'s key: {why}");
        found.refute(Step::Signatures, place, says);
    }
}
