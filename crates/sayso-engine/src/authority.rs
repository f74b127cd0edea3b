//! Who is calling, and who may do what. Both are read from one directory, the fold of the ledger's
//! changes of authority, and every change goes into the ledger before it is so.

mod agents;
mod amend;
mod follow;
mod invitations;
mod keys;
mod people;
mod providers;
mod sessions;
mod tokens;
mod vouching;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sayso_core::credential::{Agent, AgentKey, Person, ReviewerToken, Role, SessionToken};
use sayso_core::directory::{By, IllegalChange, Scope};
use sayso_core::enrolment::NotVouched;
use sayso_core::{CredentialId, Digest, Directory};
use sayso_store::{Note, Store, StoreError};
use tokio::sync::watch;

pub use agents::NewAgent;
pub use invitations::Invitation;
pub use keys::Voucher;
pub use people::NewPerson;
pub use providers::{NotAdmitted, Vouched};
pub use sessions::Login;
pub use tokens::NewToken;

use follow::State;

/// How long what was looked up is believed without asking the store again: the longest that a
/// change made by another process can go unnoticed.
const BELIEVED: Duration = Duration::from_secs(1);
/// How exactly it is noted when a token was last used.
const ABOUT: Duration = Duration::from_mins(10);

/// Who a caller turned out to be.
#[derive(Clone, Debug)]
pub enum Account {
    /// An agent.
    Agent(Agent),
    /// A person.
    Person(Person),
}

/// On whose word something is changed.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A person's.
    Person(&'a Person),
    /// Whoever works on the data itself, by the command line.
    Operator,
    /// The server's, when nobody was there yet.
    FirstStart,
    /// An identity provider's, by its issuer.
    Provider(&'a str),
}

impl Actor<'_> {
    fn by(self) -> By {
        match self {
            Self::Person(person) => By::Person(person.name().clone()),
            Self::Operator => By::Operator,
            Self::FirstStart => By::FirstStart,
            Self::Provider(issuer) => By::Provider(issuer.to_owned()),
        }
    }
}

impl<'a> From<&'a Person> for Actor<'a> {
    fn from(person: &'a Person) -> Self {
        Self::Person(person)
    }
}

/// Why who may do what was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Whoever asked may not, or it does not fit what there is.
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    /// Nobody vouches for a key.
    #[error(transparent)]
    NotVouched(#[from] NotVouched),
    /// A token is not good for that.
    #[error("this token is not good for that: it takes the scope \"{}\"", .0.word())]
    Scope(Scope),
    /// A token would give what it does not have.
    #[error("a token gives another no more than it has itself")]
    MoreThanItsOwn,
    /// A token without a scope is good for nothing.
    #[error("`scopes`: name at least one")]
    NoScope,
    /// There is no such key of anybody's.
    #[error("there is no key {0}")]
    NoSuchKey(Digest),
    /// Others change it at the same time, again and again.
    #[error("others are changing who may do what; try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Knows agents and people by their secrets, and changes who may do what.
#[derive(Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    state: RwLock<State>,
    /// Held by the one who looks.
    looking: tokio::sync::Mutex<()>,
    /// Moves on with every change.
    changed: watch::Sender<u64>,
    /// When the use of a token was last noted.
    noted: Mutex<HashMap<CredentialId, Instant>>,
}

impl Authority {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                state: RwLock::default(),
                looking: tokio::sync::Mutex::default(),
                changed: watch::Sender::new(0),
                noted: Mutex::default(),
            }),
        }
    }

    /// The agent or person with that bearer token; none if it is nobody's.
    pub async fn bearer(&self, token: &str, now: Timestamp) -> Result<Option<Account>, StoreError> {
        if let Ok(key) = token.parse::<AgentKey>() {
            let agent = self.find(|directory| directory.authenticate(&key, now)).await?;
            return Ok(agent.map(Account::Agent));
        }
        if let Ok(token) = token.parse::<ReviewerToken>() {
            let person = self.find(|directory| directory.bearer(&token, now)).await?;
            if let Some(id) = person.as_ref().and_then(Person::credential) {
                self.note_use(id, now);
            }
            return Ok(person.map(Account::Person));
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
        let person = self.find(|directory| directory.resume(&session, now)).await?;
        if let Some(id) = person.as_ref().and_then(Person::credential) {
            self.note_use(id, now);
        }
        Ok(person)
    }

    /// Whether what somebody was known by still is in force, as far as is known here.
    pub fn is_in_force(&self, id: CredentialId, now: Timestamp) -> bool {
        self.inner.state().directory.credential(id, now).is_some()
    }

    /// What a person may do by what they are known by, as far as is known here.
    pub fn roles_by(&self, id: CredentialId, now: Timestamp) -> Vec<Role> {
        self.inner.state().directory.roles_by(id, now)
    }

    /// Moves on whenever who may do what has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// What is noted about tokens and sessions.
    pub async fn notes(&self) -> Result<HashMap<CredentialId, Note>, StoreError> {
        let notes = self.inner.store.notes().await?;
        Ok(notes.into_iter().map(|note| (note.id, note)).collect())
    }

    /// What a person's credential lets them do with it: all, unless it is a token for less.
    fn scopes(directory: &Directory, person: &Person, now: Timestamp) -> Vec<Scope> {
        use sayso_core::directory::Holder;
        let known = person.credential().and_then(|id| directory.credential(id, now));
        match known.map(|credential| &credential.holder) {
            Some(Holder::Session { .. } | Holder::Link { .. }) => Scope::ALL.to_vec(),
            Some(Holder::Token { scopes, .. }) => scopes.clone(),
            Some(Holder::Agent(_) | Holder::Invitation { .. }) | None => Vec::new(),
        }
    }

    /// Notes that a credential was used, without keeping anybody waiting.
    fn note_use(&self, id: CredentialId, now: Timestamp) {
        let mut noted = self.inner.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|since| since.elapsed() < ABOUT) {
            return;
        }
        noted.retain(|_, since| since.elapsed() < ABOUT);
        noted.insert(id, Instant::now());
        let store = Arc::clone(&self.inner.store);
        tokio::spawn(async move {
            if let Err(error) = store.used(id, now).await {
                tracing::debug!(%error, "can't note that a credential was used");
            }
        });
    }
}
