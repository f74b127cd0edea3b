//! Where a model's requests are taken: one agent's view of a Sayso server.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sayso_client::wire::{Escalation, Page, Problem, Propose, Proposed, Redeemed, Report};
use sayso_client::{Client, ClientError, Event};
use tokio::sync::mpsc;

use crate::gateway::Rules;

/// How many open reviews are listed.
const OPEN: usize = 50;

/// What one agent can ask of a server.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Begins an escalation, or joins the same one.
    async fn propose(&self, propose: &Propose) -> Result<Escalation, Refused>;

    /// Begins several, each on its own; an error means that it is not known what became of them.
    async fn propose_all(&self, items: Vec<Propose>) -> Result<Vec<Proposed>, Refused>;

    /// An escalation, as soon as it is settled, or as it is after `wait`.
    async fn get(&self, id: &str, wait: Duration) -> Result<Escalation, Refused>;

    /// Takes one back.
    async fn withdraw(&self, id: &str) -> Result<Escalation, Refused>;

    /// Those that are open, newest first.
    async fn open(&self) -> Result<Vec<Escalation>, Refused>;

    /// What the server goes by at the moment.
    async fn rules(&self) -> Result<Rules, Refused>;

    /// Turns a permit into the approved action, once.
    async fn redeem(&self, permit: &str) -> Result<Redeemed, Refused>;

    /// Says what came of it.
    async fn report(&self, permit_id: &str, report: &Report) -> Result<Escalation, Refused>;

    /// What becomes of this agent's escalations, for as long as the server can be heard.
    fn follow(&self) -> mpsc::Receiver<News>;

    /// Where people see an escalation and decide, if that has an address.
    fn page(&self, id: &str) -> Option<String>;
}

/// What a desk hears by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// From here on, everything is heard.
    Begin,
    /// The escalation of that id is settled.
    Settled(String),
}

/// Why something was not done, in words that a model can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    words: String,
    is_ours: bool,
}

impl Refused {
    /// A field of what the model sent is at fault.
    pub fn field(field: &str, detail: impl fmt::Display) -> Self {
        Self { words: format!("`{field}` {detail}"), is_ours: false }
    }

    /// Something of ours failed.
    pub fn failed(error: &dyn fmt::Display) -> Self {
        let words = format!(
            "Sayso can't be asked right now, so nothing was asked and nothing is granted: {error}"
        );
        Self { words, is_ours: true }
    }

    /// Whether it was refused, and did not only fail.
    pub(crate) fn is_by_the_server(&self) -> bool {
        !self.is_ours
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        match problem.field {
            Some(field) => Self::field(field.trim_start_matches('/'), problem.detail),
            None => Self { words: problem.detail, is_ours: false },
        }
    }
}

impl From<ClientError> for Refused {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(problem) => (*problem).into(),
            other => Self::failed(&other),
        }
    }
}

/// The desk of a server elsewhere, over its HTTP API.
pub struct HttpDesk(Client);

impl HttpDesk {
    /// With an agent's key.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// The client blocks, so it gets a thread meanwhile.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Client) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, Refused> {
        let client = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&client)).await;
        Ok(asked.map_err(|error| Refused::failed(&error))??)
    }
}

#[async_trait]
impl Desk for HttpDesk {
    async fn propose(&self, propose: &Propose) -> Result<Escalation, Refused> {
        let propose = propose.clone();
        self.ask(move |client| client.propose(&propose, None, Duration::ZERO)).await
    }

    async fn propose_all(&self, items: Vec<Propose>) -> Result<Vec<Proposed>, Refused> {
        self.ask(move |client| client.propose_all(items)).await
    }

    async fn get(&self, id: &str, wait: Duration) -> Result<Escalation, Refused> {
        let id = id.to_owned();
        self.ask(move |client| client.get(&id, wait)).await
    }

    async fn withdraw(&self, id: &str) -> Result<Escalation, Refused> {
        let id = id.to_owned();
        self.ask(move |client| client.withdraw(&id)).await
    }

    async fn open(&self) -> Result<Vec<Escalation>, Refused> {
        let page: Page = self.ask(move |client| client.list(&open_query())).await?;
        Ok(page.items)
    }

    async fn rules(&self) -> Result<Rules, Refused> {
        self.ask(|client| {
            let halted = !client.halts()?.items.is_empty();
            let me = client.me()?;
            Ok(Rules {
                policy: client.policy()?.text,
                is_agent: me.roles.iter().any(|role| role == "agent"),
                agent: me.name,
                tools: me.tools,
                halted,
            })
        })
        .await
    }

    async fn redeem(&self, permit: &str) -> Result<Redeemed, Refused> {
        let permit = permit.to_owned();
        self.ask(move |client| client.redeem(&permit)).await
    }

    async fn report(&self, permit_id: &str, report: &Report) -> Result<Escalation, Refused> {
        let (permit_id, report) = (permit_id.to_owned(), report.clone());
        self.ask(move |client| client.report(&permit_id, &report)).await
    }

    fn follow(&self) -> mpsc::Receiver<News> {
        let (news, receiver) = mpsc::channel(64);
        let client = self.0.clone();
        // The stream blocks, and has a thread of its own for as long as it lasts.
        std::thread::spawn(move || {
            let Ok(events) = client.events(None, "gateway") else { return };
            for event in events {
                let new = match event {
                    Ok(event) if event.word == "ready" => News::Begin,
                    Ok(Event { escalation: Some(escalation), .. }) if !escalation.is_pending() => {
                        News::Settled(escalation.id)
                    }
                    Ok(_) => continue,
                    Err(_) => return,
                };
                if news.blocking_send(new).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn page(&self, id: &str) -> Option<String> {
        Some(format!("{}/inbox/{id}", self.0.url()))
    }
}

/// The query for what is open.
pub fn open_query() -> String {
    format!("state=pending&limit={OPEN}")
}
