//! Who is calling: secrets to agents and people, with what was looked up remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sayso_core::credential::{
    Agent, AgentKey, AgentRecord, LoginToken, Person, PersonRecord, ReviewerToken, Role,
    SecretKind, SessionToken,
};
use sayso_core::{AgentName, Digest, Period, ReviewerName};
use sayso_store::{Callback, NewSecret, Store, StoreError};

/// How long a looked-up credential is believed without asking the store again: the longest that
/// a revocation made by another process can go unnoticed.
const BELIEVED: Duration = Duration::from_secs(1);
/// How many credentials are remembered.
const REMEMBERED: usize = 10_000;
/// How long a login link works.
const LOGIN_LASTS: Period = Period::from_secs(24 * 3_600);
/// How long a browser stays logged in.
const SESSION_LASTS: Period = Period::from_secs(14 * 24 * 3_600);

/// Who a caller turned out to be.
#[derive(Clone, Debug)]
pub enum Account {
    /// An agent.
    Agent(Agent),
    /// A person.
    Person(Person),
}

/// A new agent's key.
pub struct NewAgent {
    /// The agent.
    pub name: AgentName,
    /// Its key, to be shown once.
    pub key: AgentKey,
}

/// A new person's secrets.
pub struct NewPerson {
    /// The person.
    pub name: ReviewerName,
    /// Their token, to be shown once.
    pub token: ReviewerToken,
    /// Their one-time login link's secret.
    pub login: LoginToken,
}

/// A browser that has just logged in.
pub struct Login {
    /// Who.
    pub person: Person,
    /// The session's secret, for the cookie.
    pub session: SessionToken,
    /// How long it lasts.
    pub lasts: Period,
}

/// Knows agents and people by their secrets, and lets new ones in.
#[derive(Clone)]
pub struct Authority {
    store: Arc<dyn Store>,
    believed: Arc<Mutex<HashMap<Digest, (Instant, Account)>>>,
}

impl Authority {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, believed: Arc::default() }
    }

    /// The agent or person with that bearer token; none if it is nobody's.
    pub async fn bearer(&self, token: &str, now: Timestamp) -> Result<Option<Account>, StoreError> {
        // By all of its text: the same bytes as another kind of secret are another token.
        let seen = Digest::of(token.as_bytes());
        if let Some(account) = self.believe(seen) {
            return Ok(Some(account));
        }
        if let Ok(key) = token.parse::<AgentKey>() {
            let record = self.store.agent(key.hash()).await?;
            let agent = record.and_then(|record| record.authenticate(&key));
            return Ok(agent.map(|agent| self.remember(seen, Account::Agent(agent))));
        }
        if let Ok(token) = token.parse::<ReviewerToken>() {
            let record = self.store.person(token.hash()).await?;
            let person = record.and_then(|record| record.authenticate(&token, now));
            return Ok(person.map(|person| self.remember(seen, Account::Person(person))));
        }
        Ok(None)
    }

    /// The person whose browser holds that session.
    pub async fn session(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let Ok(session) = cookie.parse::<SessionToken>() else { return Ok(None) };
        let record = self.store.person(session.hash()).await?;
        Ok(record.and_then(|record| record.resume(&session, now)))
    }

    fn believe(&self, seen: Digest) -> Option<Account> {
        let believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, account) = believed.get(&seen)?;
        (since.elapsed() < BELIEVED).then(|| account.clone())
    }

    fn remember(&self, seen: Digest, account: Account) -> Account {
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        if believed.len() >= REMEMBERED {
            believed.clear();
        }
        believed.insert(seen, (Instant::now(), account.clone()));
        account
    }

    /// Whether a login link works, without using it up.
    pub async fn peek_login(
        &self,
        link: &LoginToken,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let record = self.store.person(link.hash()).await?;
        Ok(record.and_then(|record: PersonRecord| record.log_in(link, now)))
    }

    /// Uses up a login link and opens a session. Of several callers with one link, one gets in.
    pub async fn log_in(
        &self,
        link: &LoginToken,
        now: Timestamp,
    ) -> Result<Option<Login>, StoreError> {
        let Some(person) = self.peek_login(link, now).await? else { return Ok(None) };
        if !self.store.remove_secret(link.hash()).await? {
            return Ok(None);
        }
        let session = SessionToken::from_entropy(crate::entropy());
        let secret = NewSecret {
            kind: SecretKind::Session,
            hash: session.hash(),
            expires_at: Some(SESSION_LASTS.after(now)),
        };
        self.store.add_secret(person.name(), &secret).await?;
        Ok(Some(Login { person, session, lasts: SESSION_LASTS }))
    }

    /// Ends a session.
    pub async fn log_out(&self, cookie: &str) -> Result<(), StoreError> {
        if let Ok(session) = cookie.parse::<SessionToken>() {
            self.store.remove_secret(session.hash()).await?;
        }
        Ok(())
    }

    /// Adds an agent, or gives one a new key in place of the old.
    pub async fn add_agent(&self, name: AgentName, now: Timestamp) -> Result<NewAgent, StoreError> {
        let key = AgentKey::from_entropy(crate::entropy());
        let record = AgentRecord { name: name.clone(), key: key.hash(), owner: None };
        self.store.add_agent(&record, now).await?;
        self.believed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(NewAgent { name, key })
    }

    /// Has an agent called at that address when something of its is settled; what the calls are
    /// signed with, or none if there is no such agent. Without an address it is called no more.
    pub async fn set_callback(
        &self,
        agent: &AgentName,
        url: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let secret = crate::entropy();
        let callback = url.map(|url| Callback { url: url.to_owned(), secret });
        let is_known = self.store.set_callback(agent, callback.as_ref(), now).await?;
        Ok(is_known.then_some(secret))
    }

    /// Adds a person, or gives one new secrets and roles.
    pub async fn add_person(
        &self,
        name: ReviewerName,
        roles: &[Role],
        now: Timestamp,
    ) -> Result<NewPerson, StoreError> {
        let token = ReviewerToken::from_entropy(crate::entropy());
        let login = LoginToken::from_entropy(crate::entropy());
        let secrets = [
            NewSecret { kind: SecretKind::Token, hash: token.hash(), expires_at: None },
            NewSecret {
                kind: SecretKind::Login,
                hash: login.hash(),
                expires_at: Some(LOGIN_LASTS.after(now)),
            },
        ];
        self.store.add_person(&name, roles, &secrets, now).await?;
        self.believed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(NewPerson { name, token, login })
    }

    /// A new one-time login link for a person.
    pub async fn login_link(
        &self,
        person: &ReviewerName,
        now: Timestamp,
    ) -> Result<LoginToken, StoreError> {
        let login = LoginToken::from_entropy(crate::entropy());
        let secret = NewSecret {
            kind: SecretKind::Login,
            hash: login.hash(),
            expires_at: Some(LOGIN_LASTS.after(now)),
        };
        self.store.add_secret(person, &secret).await?;
        Ok(login)
    }

    /// All people.
    pub async fn people(&self) -> Result<Vec<(ReviewerName, Vec<Role>)>, StoreError> {
        self.store.people().await
    }

    /// All agents.
    pub async fn agents(&self) -> Result<Vec<AgentName>, StoreError> {
        self.store.agents().await
    }
}
