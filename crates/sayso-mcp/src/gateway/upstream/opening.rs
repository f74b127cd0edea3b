//! How a server is opened: in the client's own revision, or else in the other one; alone, or as one
//! of several that don't wait for it for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Link, Lost, Upstream};
use crate::gateway::eras::{self, Era, MODERN};
use crate::gateway::frame::{Outcome, raw};
use crate::gateway::session::locked;

/// How long a server may think about a revision that it does not know: some say nothing at all.
const PROBE: Duration = Duration::from_secs(3);
/// How long the other servers' clients wait for one that opens or lists what it has.
const PATIENCE: Duration = Duration::from_secs(8);
/// When one that they did not wait for is tried again.
const AGAIN: Duration = Duration::from_secs(30);

pub(in crate::gateway) const INITIALIZED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// How a client opens a server.
#[derive(Clone)]
pub(in crate::gateway) enum Hello {
    /// The params of `initialize`.
    Legacy(Box<RawValue>),
    /// What each request says in `_meta`.
    Modern(Value),
}

/// An open server.
pub(in crate::gateway) struct Opened {
    pub(in crate::gateway) era: Era,
    /// What it said of itself, in the words of its revision.
    pub(in crate::gateway) result: Map<String, Value>,
}

impl Upstream {
    /// Opens it, if it is not open yet.
    pub(in crate::gateway) async fn open(&self, hello: Hello) -> Result<Arc<Opened>, Outcome> {
        let link = self.link().await.map_err(|lost| self.no_answer(lost))?;
        let mut state = self.state.lock().await;
        if let Some(opened) = self.opened() {
            return Ok(opened);
        }
        let opened = Arc::new(self.opening(&link, &hello).await?);
        *locked(&self.opened) = Some(Arc::clone(&opened));
        state.hello = Some(hello);
        Ok(opened)
    }

    /// Opens it as one of several, which don't wait for it for long.
    pub(in crate::gateway) async fn open_among_others(
        &self,
        hello: Hello,
    ) -> Result<Arc<Opened>, Outcome> {
        let opened = self.in_time(self.open(hello)).await.and_then(|opened| opened);
        *locked(&self.given_up) = opened.is_err().then(Instant::now);
        if let Err(Outcome::Error(error)) = &opened {
            let said: String = error.get().chars().take(300).collect();
            eprintln!("sayso gateway: the server {} is left out: {said}", self.name);
        }
        opened
    }

    /// Whether others don't wait for it any more.
    pub(in crate::gateway) fn is_given_up(&self) -> bool {
        locked(&self.given_up).is_some()
    }

    /// Whether one that was given up should be tried again: true once, until it is given up anew.
    pub(in crate::gateway) fn is_due_again(&self) -> bool {
        let mut given_up = locked(&self.given_up);
        let is_due = given_up.is_some_and(|since| since.elapsed() > AGAIN);
        if is_due {
            *given_up = Some(Instant::now());
        }
        is_due
    }

    /// What others wait for, for as long as they do.
    pub(in crate::gateway) async fn in_time<T>(
        &self,
        wanted: impl Future<Output = T>,
    ) -> Result<T, Outcome> {
        let late = |_| self.no_answer(Lost::Gone("it takes too long".into()));
        tokio::time::timeout(PATIENCE, wanted).await.map_err(late)
    }

    /// What it said of itself, if it is open.
    pub(in crate::gateway) fn opened(&self) -> Option<Arc<Opened>> {
        locked(&self.opened).clone()
    }

    /// The same, once it is open or nobody opens it.
    pub(in crate::gateway) async fn once_opened(&self) -> Option<Arc<Opened>> {
        match self.opened() {
            None => {
                let _ = self.state.lock().await;
                self.opened()
            }
            opened => opened,
        }
    }

    /// What is answered in its place while it is not open.
    pub(in crate::gateway) fn is_closed(&self) -> Outcome {
        self.no_answer(Lost::Unreached("it did not open".into()))
    }

    /// Opens it in the client's own revision, or else in the other one.
    pub(super) async fn opening(&self, link: &Link, hello: &Hello) -> Result<Opened, Outcome> {
        match hello {
            Hello::Legacy(params) => {
                let outcome = self.ask_on(link, Era::Legacy, "initialize", params).await;
                if let Some(Value::Object(result)) = outcome.value() {
                    return Ok(Opened { era: Era::Legacy, result });
                }
                let hello = serde_json::from_str(params.get()).unwrap_or_default();
                let meta = eras::modern_meta(&hello);
                let discovered = self.discover(link, &meta.into()).await;
                discovered.map(|result| Opened { era: Era::Modern, result }).ok_or(outcome)
            }
            Hello::Modern(meta) => {
                if let Some(result) = self.discover(link, meta).await {
                    return Ok(Opened { era: Era::Modern, result });
                }
                let hello = eras::legacy_hello(meta);
                let outcome = self.ask_on(link, Era::Legacy, "initialize", &hello).await;
                let Some(Value::Object(result)) = outcome.value() else { return Err(outcome) };
                link.send(INITIALIZED.into()).await;
                Ok(Opened { era: Era::Legacy, result })
            }
        }
    }

    /// What it says of itself in the modern revision, if it speaks it.
    async fn discover(&self, link: &Link, meta: &Value) -> Option<Map<String, Value>> {
        let params = raw(&json!({"_meta": meta}));
        let ask = || self.ask_on(link, Era::Modern, "server/discover", &params);
        let mut outcome = tokio::time::timeout(PROBE, ask()).await.ok()?;
        if eras::is_modern_after_all(&outcome) {
            outcome = tokio::time::timeout(PROBE, ask()).await.ok()?;
        }
        let Some(Value::Object(result)) = outcome.value() else { return None };
        let versions = result.get("supportedVersions").and_then(Value::as_array)?;
        versions.iter().any(|version| version == MODERN).then_some(result)
    }
}
