//! The event stream that listeners hear by: everything open, then everything that happens.
//!
//! An open stream of somebody who may veto is what makes silence count. It is told everything that
//! is open first; from then on, and only while its connection takes what is written to it, it
//! listens.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use sayso_core::credential::Role;
use sayso_core::escalation::WaitingFor;
use sayso_core::{AgentName, CredentialId, EscalationId};
use sayso_engine::{Engine, Record};
use sayso_store::Query;
use tokio::sync::{mpsc, watch};

/// How often a quiet stream is written to, so that a dead connection is noticed.
const PULSE: Duration = Duration::from_secs(2);
/// How many open escalations are read at a time.
const PAGE: usize = 200;

/// How what happened to an escalation, in one word, is written: the event's `event:` and `data:`
/// lines, each ended.
pub(crate) type Write = Arc<dyn Fn(&Engine, &str, &Record) -> String + Send + Sync>;

/// A stream to be opened.
pub(crate) struct Feed {
    /// Where things happen.
    pub(crate) engine: Engine,
    /// The ledger index after which to begin; none: from now on, after everything open.
    pub(crate) after: Option<u64>,
    /// By what means it is shown: `inbox`, `stream`, `terminal`.
    pub(crate) channel: String,
    /// Whether whoever reads it could veto: only then does it count as listening.
    pub(crate) listens: bool,
    /// Only what this agent proposed or may redeem.
    pub(crate) agent: Option<AgentName>,
    /// What whoever reads it is known by: the stream ends with it.
    pub(crate) credential: Option<CredentialId>,
    /// How an escalation is written.
    pub(crate) write: Write,
    /// Turns true when the server stops.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Why a stream ends.
enum End {
    /// The connection, or the server, has gone.
    Gone,
    /// The store failed; the reader comes back and resumes.
    Store(sayso_store::StoreError),
}

impl From<sayso_store::StoreError> for End {
    fn from(error: sayso_store::StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Feed {
    fn into_response(self) -> Response {
        let (frames, taken) = mpsc::channel(1);
        tokio::spawn(async move {
            let line = Line(frames);
            let mut stop = self.stop.clone();
            let stopped = async move {
                // An error means that nobody can stop us any more.
                if stop.wait_for(|stop| *stop).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                end = self.run(&line) => if let Err(End::Store(error)) = end {
                    tracing::warn!(%error, "an event stream broke off");
                },
                () = self.until_shut_out() => {}
                () = stopped => {}
            }
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            // Proxies that buffer would make a listener of nobody.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::new(Taken(taken))).into_response()
    }
}

impl Feed {
    /// Returns when whoever reads it is no longer who they were when they opened it.
    async fn until_shut_out(&self) {
        let Some(credential) = self.credential else { return std::future::pending().await };
        let mut changes = self.engine.authority().changes();
        while self.is_as_it_was(credential) {
            // What ends by itself says nothing: hence the look now and then.
            let _ = tokio::time::timeout(PULSE, changes.changed()).await;
        }
    }

    /// Whether its reader still is known by that, and may veto if they could then: silence that only
    /// somebody hears who can say nothing any more does not count. Who comes back is who they are
    /// now.
    fn is_as_it_was(&self, credential: CredentialId) -> bool {
        let (authority, now) = (self.engine.authority(), self.engine.now());
        if self.agent.is_some() {
            return authority.is_in_force(credential, now);
        }
        let roles = authority.roles_by(credential, now);
        !roles.is_empty() && roles.contains(&Role::Reviewer) == self.listens
    }

    async fn run(&self, line: &Line) -> Result<(), End> {
        // Opened before the backlog is read, so that nothing falls between.
        let mut stream = self.engine.stream(self.after).await?;
        let unheard = self.tell_open(line).await?;
        line.write("event: ready\ndata: {}\n\n".into()).await?;
        let _listening = self.listens.then(|| self.engine.listen());
        if self.listens {
            // Their windows stood still when they were told, and pass from here on.
            self.tell_all(line, "hearing", unheard).await?;
        }
        loop {
            let Ok(update) = tokio::time::timeout(PULSE, stream.next()).await else {
                line.write(": pulse\n\n".into()).await?;
                continue;
            };
            let update = update?;
            if self.sees(&update.record) {
                let id = format!("id: {}\n", update.seq);
                self.tell(line, &id, update.word, &update.record).await?;
            }
        }
    }

    /// Tells everything that is open, oldest first; when resuming, only what nobody has been
    /// shown yet. Says which windows stand still because nobody listens.
    async fn tell_open(&self, line: &Line) -> Result<Vec<EscalationId>, End> {
        let (mut open, mut unheard) = (Vec::new(), Vec::new());
        let mut query = Query {
            pending: Some(true),
            agent: self.agent.clone(),
            limit: PAGE,
            ..Query::default()
        };
        loop {
            let (records, next) = self.engine.list(&query).await?;
            for record in &records {
                let escalation = &record.escalation;
                let waiting = escalation.waiting_for(&self.engine.moment(record));
                if waiting == Some(WaitingFor::Listener) && !escalation.is_undelivered() {
                    unheard.push(escalation.id());
                }
                if self.tells(record) {
                    open.push(escalation.id());
                }
            }
            match next {
                Some(next) => query.before = Some(next),
                None => break,
            }
        }
        self.tell_all(line, "open", open).await?;
        Ok(unheard)
    }

    fn tells(&self, record: &Record) -> bool {
        self.after.is_none() || record.escalation.is_undelivered()
    }

    /// Tells those that are still open, the last one first.
    async fn tell_all(&self, line: &Line, word: &str, ids: Vec<EscalationId>) -> Result<(), End> {
        for id in ids.into_iter().rev() {
            if let Some(record) = self.engine.find(id).await?
                && record.escalation.is_pending()
            {
                self.tell(line, "", word, &record).await?;
            }
        }
        Ok(())
    }

    fn sees(&self, record: &Record) -> bool {
        let escalation = &record.escalation;
        self.agent
            .as_ref()
            .is_none_or(|agent| agent == escalation.agent() || agent == escalation.executor())
    }

    async fn tell(&self, line: &Line, id: &str, word: &str, record: &Record) -> Result<(), End> {
        let told = (self.write)(&self.engine, word, record);
        line.write(format!("{id}{told}\n")).await?;
        if self.listens && record.escalation.is_undelivered() {
            // The connection has taken it: whoever is at its other end has been shown it.
            let id = record.escalation.id();
            if self.engine.delivered(id, &self.channel).await.is_err() {
                return Err(End::Gone);
            }
        }
        Ok(())
    }
}

/// Frames on their way to the connection, one at a time.
struct Line(mpsc::Sender<Bytes>);

impl Line {
    /// Hands a frame to the connection; returns when the connection has taken it.
    async fn write(&self, frame: String) -> Result<(), End> {
        self.0.send(frame.into()).await.map_err(|_| End::Gone)?;
        // There is room for one: room again means that it was taken.
        self.0.reserve().await.map(|_| ()).map_err(|_| End::Gone)
    }
}

/// The connection's end of a [`Line`].
struct Taken(mpsc::Receiver<Bytes>);

impl HttpBody for Taken {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|frame| frame.map(|frame| Ok(Frame::data(frame))))
    }
}
