//! Errors as RFC 9457 problem details: every kind in one table, each documented at its address.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sayso_client::wire;
use sayso_core::Refusal;
use sayso_core::directory::IllegalChange;
use sayso_core::escalation::RefusedProposal;
use sayso_core::json::BadJson;
use sayso_engine::{AuthorityError, DecideError, EngineError, NotErased, PasskeyError};
use sayso_store::StoreError;

/// A kind of problem: stable, for programs to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, the last part of its `type`.
    pub slug: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:literal $slug:literal $title:literal $mend:literal;)*) => {
        $(pub(crate) const $name: &Kind =
            &Kind { slug: $slug, status: $status, title: $title, mend: $mend };)*

        /// Every kind of problem there is.
        pub const KINDS: &[&Kind] = &[$($name),*];
    };
}

kinds! {
    BAD_JSON = 400 "bad-json" "The body is not strict JSON"
        "Send one UTF-8 JSON value without duplicate names, lone surrogates, or numbers that \
         change when canonicalised; send such numbers as strings.";
    BAD_REQUEST = 400 "bad-request" "A field is not as it should be"
        "Mend the field that `field` names.";
    UNAUTHENTICATED = 401 "unauthenticated" "Who are you?"
        "Send `Authorization: Bearer …` with an agent's key or a person's token.";
    FORBIDDEN = 403 "forbidden" "Not for this caller"
        "Agents propose, reviewers decide, auditors read; use the right credential.";
    NOT_FOUND = 404 "not-found" "There is no such thing"
        "Check the id; an agent sees only its own escalations.";
    METHOD = 405 "method-not-allowed" "Not with this method"
        "See /openapi.json for what each address takes.";
    SETTLED = 409 "already-settled" "It has ended already"
        "Read the escalation: its outcome stands.";
    DIGEST_MOVED = 409 "digest-moved" "That is not what is open now"
        "Look again and decide on the digest you see then.";
    VERSION_MOVED = 409 "version-moved" "Something happened meanwhile"
        "Look again and decide on the version you see then.";
    ALREADY_DECIDED = 409 "already-decided" "This person has approved already"
        "A quorum takes one approval a person.";
    LAPSED = 409 "approval-lapsed" "An approval counts no more"
        "Who gave it may decide no more, or the key that signed it was revoked: have it taken back, \
         approve with other arguments, which starts the count anew, or deny it and ask again.";
    NOT_APPLICABLE = 409 "not-applicable" "That decision does not fit"
        "Approve or deny actions, answer or deny questions, hold what is soft, retract what \
         you approved.";
    TOO_WEAK = 403 "too-weak" "This way of approving is too weak"
        "Approve in the way that the detail names; denying takes no more than a tap.";
    OWN_AGENT = 403 "own-agent" "Not for those who answer for the agent"
        "The policy has somebody else approve it. Denying is open to everybody.";
    SIGNATURE = 409 "signature" "The signature is not for that"
        "Fetch the statement again, look at what it says, and sign it.";
    NEEDED = 409 "still-needed" "Its texts are still needed"
        "Wait until it has ended and what was granted is used or expired, or end it first.";
    HALTED = 409 "halted" "A halt is in force"
        "A person must lift the halt first.";
    NOT_GRANTED = 409 "not-granted" "There is nothing to redeem"
        "Only a granted escalation has a permit.";
    REDEEMED = 409 "already-redeemed" "The permit was used"
        "A grant is used once; ask again for another.";
    PERMIT_EXPIRED = 409 "permit-expired" "The permit is too old"
        "Ask again, and redeem sooner.";
    FORBIDDEN_TOOL = 403 "forbidden-tool" "This agent may not propose that tool"
        "Propose a tool that it may, or have an owner change what the agent may propose.";
    WRONG_AUDIENCE = 403 "wrong-audience" "The permit is for another executor"
        "Redeem with the credential of the executor that the permit names.";
    POLICY_TIGHTENED = 409 "policy-tightened" "Today's policy asks for more"
        "Ask again: it will be judged by the policy of today.";
    POLICY_LOOSENS = 409 "policy-loosens" "The policy would ask for less"
        "Propose `sayso.policy.apply`, and put it in force with the permit.";
    POLICY_MOVED = 409 "policy-moved" "Another policy is in force by now"
        "Propose it again, with the hash of the present one as precondition.";
    POLICY_FIXED = 409 "policy-fixed" "This server's policy can't be changed this way"
        "Mend what the detail names, or change the file.";
    ALREADY_THERE = 409 "already-there" "There is such a one already"
        "Choose another name, or change the one that is there.";
    NOT_FITTING = 409 "change-does-not-fit" "That change does not fit what there is"
        "Read `detail`; look at who and what there is now.";
    NOT_STARTED = 409 "not-started" "Nothing was started"
        "Redeem the permit before reporting on it.";
    RECEIPTED = 409 "already-receipted" "The receipt is written"
        "What was reported stands.";
    BAD_PERMIT = 400 "bad-permit" "That is not a permit of this server"
        "Send the permit exactly as the escalation has it.";
    UNCONFIRMED = 403 "unconfirmed" "The executor has not shown its key"
        "Send a DPoP proof (RFC 9449) in the header `DPoP`, by the key that the permit's `cnf` names, \
         made for this request and this permit within the last minute.";
    KEY_REUSED = 422 "idempotency-key-reused" "The idempotency key belongs to another request"
        "Use a new key for a new request.";
    TOO_LARGE = 413 "too-large" "The body is too large"
        "Send less; put bulky things where people can open them, and send the address.";
    TOO_MANY = 429 "too-many-requests" "Too many requests"
        "Wait as long as `Retry-After` says.";
    FULL = 507 "disk-full" "The server's disk is full"
        "Nothing was changed. The operator must make room.";
    UNAVAILABLE = 503 "unavailable" "The server can't do that now"
        "Nothing acknowledged is lost. Try again in a moment.";
    INTERNAL = 500 "internal" "The server failed"
        "Nothing was changed. The operator finds the cause in the log.";
}

/// A problem on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    kind: &'static Kind,
    detail: String,
    field: Option<String>,
    digest: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), field: None, digest: None }
    }

    /// A field of the request is at fault; `field` is a JSON pointer or a header's name.
    pub(crate) fn field(field: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(BAD_REQUEST, detail) }
    }

    fn at(self, field: &str) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The status it comes with.
    pub fn status(&self) -> u16 {
        self.kind.status
    }

    /// What is wrong, in a sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<Problem> for wire::Problem {
    fn from(problem: Problem) -> Self {
        let Problem { kind, detail, field, digest } = problem;
        let (slug, title) = (format!("/problems/{}", kind.slug), kind.title.into());
        Self { kind: slug, title, status: kind.status, detail, field, digest }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind;
        let problem = wire::Problem::from(self);
        let status = StatusCode::from_u16(kind.status).unwrap_or_default();
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if kind == UNAUTHENTICATED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if kind == TOO_MANY || kind == UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<BadJson> for Problem {
    fn from(bad: BadJson) -> Self {
        let detail = bad.to_string();
        let kind = match bad {
            BadJson::TooLarge { .. } => TOO_LARGE,
            BadJson::Shape { .. } => BAD_REQUEST,
            _ => BAD_JSON,
        };
        Self { field: bad.field().map(str::to_owned), ..Self::new(kind, detail) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let plain = |kind| Self::new(kind, detail.clone());
        match refusal {
            Refusal::AlreadySettled { .. } => plain(SETTLED),
            Refusal::DigestMoved { now } => {
                Self { digest: Some(now.to_string()), ..plain(DIGEST_MOVED).at("/digest") }
            }
            Refusal::DigestMissing => Self::field("/digest", detail),
            Refusal::VersionMoved { .. } => plain(VERSION_MOVED).at("/version"),
            Refusal::AlreadyApproved { .. } => plain(ALREADY_DECIDED),
            Refusal::NotApproved { .. } => plain(NOT_APPLICABLE).at("/decision"),
            Refusal::Misfit(_) | Refusal::SignatureSpent => plain(SIGNATURE).at("/signature"),
            Refusal::IsQuestion | Refusal::IsAction | Refusal::AlreadyHard => {
                plain(NOT_APPLICABLE).at("/decision")
            }
            Refusal::BadAnswer(_) => Self::field("/answer", detail),
            Refusal::Halted { .. } => plain(HALTED),
            Refusal::NotYours { .. } => plain(FORBIDDEN),
            Refusal::TooWeak { .. } => plain(TOO_WEAK),
            Refusal::OwnAgent { .. } => plain(OWN_AGENT),
            Refusal::NotGranted { .. } => plain(NOT_GRANTED),
            Refusal::WrongAudience { .. } => plain(WRONG_AUDIENCE),
            Refusal::AlreadyRedeemed { .. } => plain(REDEEMED),
            Refusal::PermitExpired { .. } => plain(PERMIT_EXPIRED),
            Refusal::PolicyTightened { .. } => plain(POLICY_TIGHTENED),
            Refusal::NotStarted => plain(NOT_STARTED),
            Refusal::AlreadyReceipted { .. } => plain(RECEIPTED),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NoSuchEscalation(_) | EngineError::NoSuchHalt(_) => {
                Self::new(NOT_FOUND, detail)
            }
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Proposal(refused) => {
                let field = match refused {
                    RefusedProposal::Window => "/window",
                    RefusedProposal::FyiQuestion => "/tier",
                    RefusedProposal::NoDefault => "/question/default",
                    RefusedProposal::Question(_) => "/question",
                };
                Self::field(field, detail)
            }
            EngineError::KeyReused => Self::new(KEY_REUSED, detail).at("Idempotency-Key"),
            EngineError::Erased | EngineError::BeforeRestore => Self::new(NOT_GRANTED, detail),
            EngineError::BadPermit(_) => Self::new(BAD_PERMIT, detail).at("/permit"),
            EngineError::LapsedApproval(_) => Self::new(LAPSED, detail),
            EngineError::NotAReviewer(_) => Self::new(FORBIDDEN, detail),
            EngineError::NotTheirKey { .. } => Self::new(FORBIDDEN, detail).at("/key"),
            EngineError::ForbiddenTool { .. } => {
                Self::new(FORBIDDEN_TOOL, detail).at("/action/tool")
            }
            EngineError::Unconfirmed(_) => Self::new(UNCONFIRMED, detail).at("DPoP"),
            EngineError::NoSuchExecutor(_) => Self::field("/executor", detail),
            EngineError::Store(error) => error.into(),
            EngineError::AgentChanged(_)
            | EngineError::HaltSpreading(_)
            | EngineError::Stopping => Self::new(UNAVAILABLE, detail),
            EngineError::Illegal(_) => {
                tracing::error!(%error, "a command failed");
                Self::new(INTERNAL, "the server failed; nothing was changed")
            }
        }
    }
}

impl From<NotErased> for Problem {
    fn from(error: NotErased) -> Self {
        match error {
            NotErased::NotAnOwner(_) => Self::new(FORBIDDEN, error.to_string()),
            NotErased::Needed(_) => Self::new(NEEDED, error.to_string()),
            NotErased::Engine(error) => error.into(),
        }
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::NotAReviewer(who) => Self::new(FORBIDDEN, who.to_string()),
            DecideError::NotSigned(why) => Self::new(SIGNATURE, why.to_string()).at("/signature"),
            DecideError::NotYourKey(_) => Self::new(FORBIDDEN, error.to_string()).at("/key"),
            DecideError::Engine(error) => error.into(),
        }
    }
}

impl From<AuthorityError> for Problem {
    fn from(error: AuthorityError) -> Self {
        let detail = error.to_string();
        match error {
            AuthorityError::Illegal(illegal) => illegal.into(),
            AuthorityError::Scope(_) | AuthorityError::MoreThanItsOwn => {
                Self::new(FORBIDDEN, detail)
            }
            AuthorityError::NotVouched(_) => Self::field("/countersignature", detail),
            AuthorityError::NoScope => Self::field("/scopes", "name at least one"),
            AuthorityError::NoSuchKey(_) => Self::new(NOT_FOUND, detail),
            AuthorityError::Busy => Self::new(UNAVAILABLE, detail),
            AuthorityError::Store(error) => error.into(),
        }
    }
}

impl From<PasskeyError> for Problem {
    fn from(error: PasskeyError) -> Self {
        let detail = error.to_string();
        match error {
            PasskeyError::Authority(error) => error.into(),
            PasskeyError::NoRole(_) => Self::new(FORBIDDEN, detail),
            PasskeyError::Ticket(_) | PasskeyError::Unknown | PasskeyError::Proof(_) => {
                Self::new(SIGNATURE, detail)
            }
        }
    }
}

impl From<IllegalChange> for Problem {
    fn from(illegal: IllegalChange) -> Self {
        let kind = match &illegal {
            IllegalChange::NotAllowed { .. } => FORBIDDEN,
            IllegalChange::NoSuchPerson(_)
            | IllegalChange::NoSuchAgent(_)
            | IllegalChange::NoSuchCover { .. }
            | IllegalChange::NoSuchKey { .. }
            | IllegalChange::NotInForce { .. } => NOT_FOUND,
            IllegalChange::PersonExists(_)
            | IllegalChange::PermitKeyKnown(_)
            | IllegalChange::AgentExists(_)
            | IllegalChange::KeyKnown(_)
            | IllegalChange::EnrolledAlready(_)
            | IllegalChange::LinkedAlready { .. }
            | IllegalChange::Taken(_) => ALREADY_THERE,
            IllegalChange::PutOff(_)
            | IllegalChange::LastOwner(_)
            | IllegalChange::OtherTerms
            | IllegalChange::OwnCover
            | IllegalChange::NotFirst
            | IllegalChange::FirstOfNoReviewer(_)
            | IllegalChange::NotCountersigned { .. } => NOT_FITTING,
        };
        Self::new(kind, illegal.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // What the store says may name paths and hosts; the log has it, the caller does not.
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Full => Self::new(FULL, "the server's disk is full; nothing was changed"),
            StoreError::TooLarge(_) => Self::new(TOO_LARGE, error.to_string()),
            StoreError::Corrupt(_) => Self::new(INTERNAL, "the server failed; nothing was changed"),
            _ => Self::new(UNAVAILABLE, "the store does not answer; nothing was changed"),
        }
    }
}

/// The page that documents a kind of problem.
pub(super) async fn page(
    axum::extract::Path(slug): axum::extract::Path<String>,
) -> Result<String, Problem> {
    let known = KINDS.iter().find(|kind| kind.slug == slug);
    let Some(Kind { slug, status, title, mend }) = known else {
        return Err(Problem::new(NOT_FOUND, "there is no problem of that name"));
    };
    Ok(format!("{slug} (HTTP {status})\n\n{title}.\n\n{mend}\n"))
}
