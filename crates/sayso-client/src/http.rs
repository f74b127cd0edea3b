//! A small blocking client.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{
    Batch, BatchAnswer, CallHalt, Countersign, Decide, Enrolment, Erased, Escalation, Halt, Halts,
    IssueToken, IssuedToken, Key, Keys, Me, OfferKey, Page, Policy, Problem, Propose, Proposed,
    PutPolicy, Redeem, Redeemed, Report, Sessions, Sign, ToSign, Tokens, Vouch,
};

/// How long a connection may take to come about, and an answer beyond the time it may wait.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes that an answer may have: a full bundle of entries, and some.
const LARGEST_ANSWER: u64 = 32 * 1024 * 1024;
/// The longest that one request waits; longer waits are several requests.
const LONGEST_WAIT: u64 = 50;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said no, and why.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The server can't be reached, or broke off.
    #[error("can't reach the Sayso server at {url}: {cause}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// What answered is not a Sayso server.
    #[error("what answers at {url} is not a Sayso server: {cause}")]
    Foreign {
        /// Where.
        url: String,
        /// What it did.
        cause: String,
    },
}

/// Talks to a Sayso server.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
    /// Proves who redeems, by the executor's confirmation key.
    #[cfg(feature = "executor")]
    confirmation: Option<std::sync::Arc<sayso_core::confirmation::ConfirmationKey>>,
}

impl Client {
    /// A client for the server at `url`, with an agent's key or a person's token.
    pub fn new(url: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .build();
        Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            #[cfg(feature = "executor")]
            confirmation: None,
        }
    }

    /// The same, with the confirmation key that permits for this executor ask for.
    #[cfg(feature = "executor")]
    #[must_use]
    pub fn confirming(self, key: sayso_core::confirmation::ConfirmationKey) -> Self {
        Self { confirmation: Some(std::sync::Arc::new(key)), ..self }
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Proposes; waits at most `wait` for the outcome.
    pub fn propose(
        &self,
        propose: &Propose,
        key: Option<&str>,
        wait: Duration,
    ) -> Result<Escalation, ClientError> {
        let mut request = self.agent.post(format!("{}/v1/escalations", self.url));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let wait = wait.as_secs().min(LONGEST_WAIT);
        if wait > 0 {
            request = request.header("Prefer", format!("wait={wait}"));
        }
        let patience = PATIENCE + Duration::from_secs(wait);
        let request = request.config().timeout_global(Some(patience)).build();
        self.answer(self.authorized(request).send_json(propose))
    }

    /// Proposes several at once, 1 to 100.
    pub fn propose_all(&self, items: Vec<Propose>) -> Result<Vec<Proposed>, ClientError> {
        let answer: BatchAnswer = self.post("/v1/escalations/batch", &Batch { items })?;
        Ok(answer.items)
    }

    /// An escalation, as soon as it is settled, or as it is after `wait`.
    pub fn get(&self, id: &str, wait: Duration) -> Result<Escalation, ClientError> {
        let wait = wait.as_secs().min(LONGEST_WAIT);
        let patience = PATIENCE + Duration::from_secs(wait);
        let url = format!("{}/v1/escalations/{id}?wait={wait}", self.url);
        let request = self.agent.get(url).config().timeout_global(Some(patience)).build();
        self.answer(self.authorized(request).call())
    }

    /// A page of escalations: `query` like `state=pending&tier=soft`.
    pub fn list(&self, query: &str) -> Result<Page, ClientError> {
        self.fetch(&format!("/v1/escalations?{query}"))
    }

    /// Decides.
    pub fn decide(&self, id: &str, decide: &Decide) -> Result<Escalation, ClientError> {
        self.post(&format!("/v1/escalations/{id}/decisions"), decide)
    }

    /// The statement by which this person would say so with a key of theirs.
    pub fn statement(&self, id: &str, sign: &Sign) -> Result<ToSign, ClientError> {
        self.post(&format!("/v1/escalations/{id}/statements"), sign)
    }

    /// The caller's tokens.
    pub fn tokens(&self) -> Result<Tokens, ClientError> {
        self.fetch("/v1/tokens")
    }

    /// Makes a token for the caller.
    pub fn issue_token(&self, issue: &IssueToken) -> Result<IssuedToken, ClientError> {
        self.post("/v1/tokens", issue)
    }

    /// Ends a token.
    pub fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/tokens/{id}"))
    }

    /// The caller's sessions.
    pub fn sessions(&self) -> Result<Sessions, ClientError> {
        self.fetch("/v1/sessions")
    }

    /// Ends a session.
    pub fn close_session(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/sessions/{id}"))
    }

    /// All people's keys.
    pub fn keys(&self) -> Result<Keys, ClientError> {
        self.fetch("/v1/keys")
    }

    /// Offers an SSH key of the caller's.
    pub fn offer_key(&self, offer: &OfferKey) -> Result<Key, ClientError> {
        self.post("/v1/keys", offer)
    }

    /// The statement by which the caller would vouch for a key.
    pub fn enrolment(&self, id: &str, vouch: &Vouch) -> Result<Enrolment, ClientError> {
        self.post(&format!("/v1/keys/{id}/statements"), vouch)
    }

    /// Vouches for a key.
    pub fn countersign(&self, id: &str, signed: &Countersign) -> Result<Key, ClientError> {
        self.post(&format!("/v1/keys/{id}/countersignatures"), signed)
    }

    /// Revokes a key.
    pub fn revoke_key(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/keys/{id}"))
    }

    /// Withdraws what this agent has proposed.
    pub fn withdraw(&self, id: &str) -> Result<Escalation, ClientError> {
        self.post(&format!("/v1/escalations/{id}/withdraw"), &serde_json::json!({}))
    }

    /// Turns a permit into the approved action, once.
    pub fn redeem(&self, permit: &str) -> Result<Redeemed, ClientError> {
        let url = format!("{}/v1/permits/redeem", self.url);
        let request = self.agent.post(&url);
        #[cfg(feature = "executor")]
        let request = match &self.confirmation {
            None => request,
            Some(key) => {
                let proof = crate::executor::prove(key, "POST", &url, permit);
                request.header("DPoP", proof.map_err(|error| self.foreign(&error))?)
            }
        };
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        let body = Redeem { permit: permit.to_owned() };
        self.answer(self.authorized(request).send_json(body))
    }

    /// Says what came of it.
    pub fn report(&self, permit_id: &str, report: &Report) -> Result<Escalation, ClientError> {
        self.post(&format!("/v1/permits/{permit_id}/receipt"), report)
    }

    /// The policy in force.
    pub fn policy(&self) -> Result<Policy, ClientError> {
        self.fetch("/v1/policy")
    }

    /// Puts another policy in force.
    pub fn put_policy(&self, put: &PutPolicy) -> Result<Policy, ClientError> {
        let request = self.agent.put(format!("{}/v1/policy", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.answer(self.authorized(request).send_json(put))
    }

    /// Calls a halt.
    pub fn halt(&self, halt: &CallHalt) -> Result<Halt, ClientError> {
        self.post("/v1/halts", halt)
    }

    /// The halts in force.
    pub fn halts(&self) -> Result<Halts, ClientError> {
        self.fetch("/v1/halts")
    }

    /// Lifts a halt.
    pub fn lift(&self, id: &str) -> Result<(), ClientError> {
        self.delete(&format!("/v1/halts/{id}"))
    }

    fn delete(&self, path: &str) -> Result<(), ClientError> {
        let request = self.agent.delete(format!("{}{path}", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.checked(self.authorized(request).call()).map(|_| ())
    }

    /// An owner erases an escalation's texts.
    pub fn erase(&self, id: &str) -> Result<Erased, ClientError> {
        let request = self.agent.delete(format!("{}/v1/escalations/{id}/texts", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.answer(self.authorized(request).call())
    }

    /// Who this client is.
    pub fn me(&self) -> Result<Me, ClientError> {
        self.fetch("/v1/me")
    }

    /// Anything else that is got as JSON.
    pub fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = self.bytes(path)?;
        serde_json::from_slice(&bytes).map_err(|error| self.foreign(&error))
    }

    /// Anything else that is got as text.
    pub fn text(&self, path: &str) -> Result<String, ClientError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        let mut response = self.checked(self.authorized(request).call())?;
        response.body_mut().read_to_string().map_err(|error| self.foreign(&error))
    }

    /// Anything else that is got as bytes.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        let mut response = self.checked(self.authorized(request).call())?;
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER);
        body.read_to_vec().map_err(|error| self.foreign(&error))
    }

    /// Opens the event stream; for a reviewer, this is listening. `channel` says by what means.
    pub fn events(&self, after: Option<u64>, channel: &str) -> Result<Events, ClientError> {
        let mut request = self.agent.get(format!("{}/v1/events?channel={channel}", self.url));
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        let response = self.checked(self.authorized(request).call())?;
        let lines = BufReader::new(response.into_body().into_reader());
        Ok(Events { lines: Box::new(lines), url: self.url.clone() })
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.answer(self.authorized(request).send_json(body))
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        request.header("Authorization", format!("Bearer {}", self.token))
    }

    fn answer<T: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, ClientError> {
        let mut response = self.checked(response)?;
        response.body_mut().read_json().map_err(|error| self.foreign(&error))
    }

    fn checked(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<ureq::http::Response<ureq::Body>, ClientError> {
        let mut response = response.map_err(|error| ClientError::Unreachable {
            url: self.url.clone(),
            cause: error.to_string(),
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let problem = response.body_mut().read_json::<Problem>();
        Err(problem.map_or_else(
            |_| self.foreign(&format!("it answered {}", response.status())),
            |problem| ClientError::Refused(Box::new(problem)),
        ))
    }

    fn foreign(&self, cause: &impl ToString) -> ClientError {
        ClientError::Foreign { url: self.url.clone(), cause: cause.to_string() }
    }
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its ledger index, to resume after; none for what was open when the stream began.
    pub seq: Option<u64>,
    /// Its word: `proposed`, `granted`, …; `open` for what was open when the stream began;
    /// `ready` once all of that has been told.
    pub word: String,
    /// The escalation, as it is now; none with `ready`.
    pub escalation: Option<Escalation>,
}

/// An open event stream.
pub struct Events {
    lines: Box<dyn BufRead + Send>,
    url: String,
}

impl Iterator for Events {
    type Item = Result<Event, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let broken = |cause: String| ClientError::Unreachable { url: self.url.clone(), cause };
        let (mut seq, mut word, mut data) = (None, String::new(), String::new());
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(broken(error.to_string()))),
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if word.is_empty() && data.is_empty() {
                    continue;
                }
                let escalation = serde_json::from_str(&data).ok();
                return Some(Ok(Event { seq, word, escalation }));
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => seq = value.parse().ok(),
                "event" => value.clone_into(&mut word),
                "data" => data.push_str(value),
                _ => {}
            }
        }
    }
}
