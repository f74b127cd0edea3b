//! Who came in: agents by their keys, and the sessions they have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::OnceCell;

use super::legacy::LegacySession;
use super::{Desks, TurnedAway, header_text};
use crate::gateway::Shared;
use crate::gateway::agent::Agent;
use crate::gateway::frame::{Outcome, UPSTREAM_UNREACHED};
use crate::gateway::reply::Reply;
use crate::gateway::session::Session;
use crate::server::Desk;

/// How many sessions an agent may have open in the legacy revision.
const MOST_SESSIONS: usize = 256;
/// How many agents are known at a time.
const MOST_GUESTS: usize = 1_024;

/// The agents that have come in.
pub(super) struct Guests {
    shared: Arc<Shared>,
    desks: Arc<dyn Desks>,
    own: Option<Arc<dyn Desk>>,
    known: Mutex<HashMap<Option<String>, Arc<Guest>>>,
}

/// One of them.
pub(super) struct Guest {
    pub(super) shared: Arc<Shared>,
    pub(super) agent: Arc<Agent>,
    /// What all modern requests go through.
    modern: OnceCell<Arc<Session>>,
    legacy: Mutex<HashMap<String, Arc<LegacySession>>>,
}

impl Guests {
    pub(super) fn new(
        shared: Arc<Shared>,
        desks: Arc<dyn Desks>,
        own: Option<Arc<dyn Desk>>,
    ) -> Self {
        Self { shared, desks, own, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Option<String>, Arc<Guest>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who a request is from.
    pub(super) async fn guest(&self, headers: &HeaderMap) -> Result<Arc<Guest>, TurnedAway> {
        let key = header_text(headers, &header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim().to_owned());
        if let Some(guest) = self.known().get(&key) {
            return Ok(Arc::clone(guest));
        }
        let desk = match (&key, &self.own) {
            (Some(key), _) => self.desks.desk(key),
            (None, Some(own)) => Arc::clone(own),
            (None, None) => {
                let why = "an agent's key is needed: Authorization: Bearer KEY";
                return Err(TurnedAway::new(StatusCode::UNAUTHORIZED, why));
            }
        };
        // A key is known by what it opens.
        match desk.rules().await {
            Ok(rules) if rules.is_agent => {}
            Ok(_) => {
                let why = "this is a person's key: calls are made by agents";
                return Err(TurnedAway::new(StatusCode::UNAUTHORIZED, why));
            }
            Err(refused) if refused.is_by_the_server() => {
                return Err(TurnedAway::new(StatusCode::UNAUTHORIZED, &refused.to_string()));
            }
            Err(failed) => {
                let failed = Outcome::error(UPSTREAM_UNREACHED, &failed.to_string());
                return Err(TurnedAway(StatusCode::SERVICE_UNAVAILABLE, failed));
            }
        }
        let mut known = self.known();
        if known.len() >= MOST_GUESTS {
            known.retain(|_, guest| guest.is_busy());
        }
        let guest = known.entry(key).or_insert_with(|| {
            Arc::new(Guest {
                shared: Arc::clone(&self.shared),
                agent: Agent::new(desk, true),
                modern: OnceCell::new(),
                legacy: Mutex::default(),
            })
        });
        Ok(Arc::clone(guest))
    }

    /// Ends when the calls that are being made have ended.
    pub(super) async fn end(&self) {
        let known = std::mem::take(&mut *self.known());
        for guest in known.into_values() {
            for session in guest.legacy().values() {
                session.session.close();
            }
            if let Some(session) = guest.modern.get() {
                session.close();
            }
            Arc::clone(&guest.agent).end().await;
        }
    }
}

impl Guest {
    fn legacy(&self) -> MutexGuard<'_, HashMap<String, Arc<LegacySession>>> {
        self.legacy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_busy(&self) -> bool {
        self.modern.initialized() || !self.legacy().is_empty()
    }

    /// What modern requests go through.
    pub(super) async fn modern(&self) -> Result<&Arc<Session>, TurnedAway> {
        self.modern
            .get_or_try_init(async || {
                Session::start(&self.shared, &self.agent, Reply::Nobody, true).map_err(|error| {
                    let outcome = Outcome::error(UPSTREAM_UNREACHED, &error.to_string());
                    TurnedAway(StatusCode::BAD_GATEWAY, outcome)
                })
            })
            .await
    }

    /// An open session of the legacy revision.
    pub(super) fn session(&self, id: &str) -> Option<Arc<LegacySession>> {
        self.legacy().get(id).cloned()
    }

    /// Lets a session in, and those go that nobody has used for long.
    pub(super) fn admit(&self, session: &Arc<LegacySession>) -> Result<(), TurnedAway> {
        let mut sessions = self.legacy();
        sessions.retain(|_, session| {
            let stays = !session.is_idle();
            if !stays {
                session.session.close();
            }
            stays
        });
        if sessions.len() >= MOST_SESSIONS {
            let why = "this agent has too many open sessions: close some with DELETE";
            return Err(TurnedAway::new(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        sessions.insert(session.id.clone(), Arc::clone(session));
        Ok(())
    }

    /// Ends a session. Calls of it that wait for people go on waiting.
    pub(super) fn close(&self, session: &LegacySession) {
        self.legacy().remove(&session.id);
        session.session.close();
    }
}
