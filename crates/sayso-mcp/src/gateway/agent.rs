//! An agent, as the gateway knows it: where its say-so is asked for, what it may do at once, and
//! which of its calls wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::ahead::Ahead;
use super::call;
use super::held::{Held, Waiting};
use crate::server::{Desk, News};

/// How long to wait before news are asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// One agent.
pub(super) struct Agent {
    pub(super) desk: Arc<dyn Desk>,
    pub(super) ahead: Arc<Ahead>,
    pub(super) held: Held,
    /// Calls that are made when they are granted, without being asked for.
    waiting: Mutex<HashMap<String, Waiting>>,
    /// Calls that are being made: they go on when nobody waits for them any more.
    making: Mutex<JoinSet<()>>,
    /// Ends when everything has been told.
    telling: Mutex<Option<JoinHandle<()>>>,
}

impl Agent {
    /// An agent at its desk. If calls are made `on_grant`, nobody has to ask for them.
    pub(super) fn new(desk: Arc<dyn Desk>, on_grant: bool) -> Arc<Self> {
        let (ahead, telling) = Ahead::start(&desk);
        let agent = Arc::new(Self {
            desk,
            ahead,
            held: Held::default(),
            waiting: Mutex::default(),
            making: Mutex::default(),
            telling: Mutex::new(Some(telling)),
        });
        if on_grant {
            tokio::spawn(follow(Arc::downgrade(&agent)));
        }
        agent
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a call be made as soon as it is granted.
    pub(super) fn hold(&self, escalation: &str, waiting: Waiting) {
        self.waiting().insert(escalation.to_owned(), waiting);
    }

    /// Does something that does not end with who asked for it.
    pub(super) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        while making.try_join_next().is_some() {}
        making.spawn(work);
    }

    /// Ends when what was begun has ended and everything has been told.
    pub(super) async fn end(self: Arc<Self>) {
        let mut making =
            std::mem::take(&mut *self.making.lock().unwrap_or_else(PoisonError::into_inner));
        while making.join_next().await.is_some() {}
        let telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The last who could add to it goes with us.
        drop(self);
        if let Some(telling) = telling {
            let _ = telling.await;
        }
    }
}

/// Makes calls as they are granted, for as long as there is somebody to make them for.
async fn follow(agent: Weak<Agent>) {
    loop {
        let Some(desk) = agent.upgrade().map(|agent| Arc::clone(&agent.desk)) else { return };
        let mut news = desk.follow();
        while let Some(new) = news.recv().await {
            let Some(agent) = agent.upgrade() else { return };
            let settled = match new {
                News::Settled(id) => vec![id],
                // Something may have been missed.
                News::Begin => agent.waiting().keys().cloned().collect(),
            };
            for id in settled {
                if agent.waiting().contains_key(&id) {
                    let of_it = Arc::clone(&agent);
                    agent.begin(async move { settle(&of_it, &id).await });
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Makes a call that was granted; forgets one that was refused.
async fn settle(agent: &Agent, id: &str) {
    let Ok(escalation) = agent.desk.get(id, Duration::ZERO).await else { return };
    if escalation.is_pending() {
        return;
    }
    let Some(waiting) = agent.waiting().remove(id) else { return };
    if escalation.outcome.as_deref() == Some("granted") {
        let Waiting { session, place, rest, asker } = waiting;
        // What comes of it is kept, and told to who asks.
        drop(call::make(&session, &place, rest, &escalation, &asker));
    }
}
