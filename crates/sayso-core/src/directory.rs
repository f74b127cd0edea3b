//! Who may do what: a fold over the changes of authority that the ledger holds.
//!
//! There is no other place that says so. The engine and whoever verifies a ledger offline fold the
//! same changes by the same function, which refuses what nobody present could have changed.

mod change;
mod entry;
mod illegal;
mod lapsed;
mod legal;
mod scope;
mod tools;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::confirmation::Thumbprint;
use crate::credential::{
    Agent, AgentKey, AgentRecord, InviteToken, LoginToken, Person, PersonRecord, ReviewerToken,
    Role, SecretKind, SessionToken,
};
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::name::{AgentName, ReviewerName};
use crate::workspace::WorkspaceEvent;

pub use change::{By, Change, Countersigned, How, Sealed};
pub use entry::{Cover, Credential, Holder, Key, Machine, Member, Standing};
pub use illegal::IllegalChange;
pub use lapsed::Lapsed;
pub use scope::Scope;
pub use tools::ToolPattern;

/// The people, the agents, and what they are known by, as of some ledger index.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    people: BTreeMap<ReviewerName, Member>,
    agents: BTreeMap<AgentName, Machine>,
    /// By the hash of the secret.
    credentials: HashMap<Digest, Credential>,
    hashes: HashMap<CredentialId, Digest>,
    keys: BTreeMap<Digest, Key>,
    covers: Vec<Cover>,
    /// Those that permits were signed with after the first one, and since when.
    permit_keys: Vec<(Thumbprint, Timestamp)>,
    /// Whether any key was ever enrolled.
    rooted: bool,
    last: u64,
    /// How many credentials there were when those that had ended were last forgotten.
    tidied: usize,
}

/// Up to how many credentials nobody looks for ones that have ended.
const FEW: usize = 64;

impl Directory {
    /// Takes one more event, of that time and ledger index. What is no change of authority changes
    /// nothing; what is illegal does not, either.
    pub fn apply(
        &mut self,
        event: &WorkspaceEvent,
        at: Timestamp,
        index: u64,
    ) -> Result<(), IllegalChange> {
        let WorkspaceEvent::AuthorityChanged { by, change } = event else { return Ok(()) };
        self.last = index;
        self.check(by, change, at)?;
        self.take(by, change, at, index);
        self.tidy(at);
        Ok(())
    }

    /// Whether somebody could make that change now.
    pub fn check(&self, by: &By, change: &Change, at: Timestamp) -> Result<(), IllegalChange> {
        legal::may(self, by, change, at)?;
        legal::fits(self, change, at)
    }

    /// The ledger index of the last change of authority, legal or not; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// A person.
    pub fn person(&self, name: &ReviewerName) -> Option<&Member> {
        self.people.get(name)
    }

    /// All people, by name.
    pub fn people(&self) -> impl Iterator<Item = (&ReviewerName, &Member)> {
        self.people.iter()
    }

    /// The person whom that provider calls so.
    pub fn linked(&self, issuer: &str, subject: &str) -> Option<&ReviewerName> {
        let mut people = self.people.iter();
        people.find(|(_, member)| member.is_linked(issuer, Some(subject))).map(|(name, _)| name)
    }

    /// An agent.
    pub fn agent(&self, name: &AgentName) -> Option<&Machine> {
        self.agents.get(name)
    }

    /// All agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentName, &Machine)> {
        self.agents.iter()
    }

    /// Whom that person stands in for.
    pub fn stands_in_for(&self, name: &ReviewerName, at: Timestamp) -> Vec<ReviewerName> {
        let theirs = self.covers(at).filter(|cover| cover.stand_in == *name);
        theirs.map(|cover| cover.away.clone()).collect()
    }

    /// Who stands in for whom.
    pub fn covers(&self, at: Timestamp) -> impl Iterator<Item = &Cover> {
        self.covers.iter().filter(move |cover| at < cover.until)
    }

    /// A person's own key, by its id; also one that was revoked.
    pub fn key(&self, id: Digest) -> Option<&Key> {
        self.keys.get(&id)
    }

    /// All keys there ever were.
    pub fn keys(&self) -> impl Iterator<Item = (&Digest, &Key)> {
        self.keys.iter()
    }

    /// What somebody is known by, while it is in force.
    pub fn credential(&self, id: CredentialId, at: Timestamp) -> Option<&Credential> {
        self.known(*self.hashes.get(&id)?, at)
    }

    /// What a person may do by what they are known by; nothing, if it is no person's or has ended.
    pub fn roles_by(&self, id: CredentialId, at: Timestamp) -> Vec<Role> {
        let roles = |name: &ReviewerName| self.person(name).map(|member| &*member.roles);
        let known = self.credential(id, at).map(|credential| &credential.holder);
        match known {
            Some(Holder::Token { person, scopes }) => {
                roles(person).map(|roles| Scope::limit(scopes, roles)).unwrap_or_default()
            }
            Some(Holder::Session { person, .. }) => roles(person).unwrap_or_default().to_vec(),
            Some(Holder::Agent(_) | Holder::Link { .. } | Holder::Invitation { .. }) | None => {
                Vec::new()
            }
        }
    }

    /// Everything that anybody is known by now.
    pub fn credentials(&self, at: Timestamp) -> impl Iterator<Item = &Credential> {
        self.credentials.values().filter(move |credential| credential.is_in_force(at))
    }

    /// The agent with that key.
    pub fn authenticate(&self, key: &AgentKey, at: Timestamp) -> Option<Agent> {
        let credential = self.known(key.hash(), at)?;
        let Holder::Agent(name) = &credential.holder else { return None };
        let owner = self.agents.get(name)?.owner.clone();
        let record = AgentRecord { name: name.clone(), key: credential.hash, owner };
        Some(record.authenticate(key)?.known_by(credential.id))
    }

    /// The person with that token, and what it lets them do.
    pub fn bearer(&self, token: &ReviewerToken, at: Timestamp) -> Option<Person> {
        let credential = self.known(token.hash(), at)?;
        let Holder::Token { person, scopes } = &credential.holder else { return None };
        let record = self.record(credential, SecretKind::Token, person, Some(scopes), at)?;
        Some(record.authenticate(token, at)?.known_by(credential.id))
    }

    /// The person with that session.
    pub fn resume(&self, session: &SessionToken, at: Timestamp) -> Option<Person> {
        let credential = self.known(session.hash(), at)?;
        let Holder::Session { person, .. } = &credential.holder else { return None };
        let record = self.record(credential, SecretKind::Session, person, None, at)?;
        Some(record.resume(session, at)?.known_by(credential.id))
    }

    /// The person whom that link logs in.
    pub fn log_in(&self, link: &LoginToken, at: Timestamp) -> Option<Person> {
        let credential = self.known(link.hash(), at)?;
        let Holder::Link { person, .. } = &credential.holder else { return None };
        let record = self.record(credential, SecretKind::Login, person, None, at)?;
        Some(record.log_in(link, at)?.known_by(credential.id))
    }

    /// What that invitation is for.
    pub fn invitation(&self, invitation: &InviteToken, at: Timestamp) -> Option<&Credential> {
        let credential = self.known(invitation.hash(), at)?;
        matches!(credential.holder, Holder::Invitation { .. }).then_some(credential)
    }

    /// The keys that took the place of the first one that permits were signed with, and since when.
    pub fn permit_keys(&self) -> &[(Thumbprint, Timestamp)] {
        &self.permit_keys
    }

    fn record(
        &self,
        credential: &Credential,
        kind: SecretKind,
        name: &ReviewerName,
        scopes: Option<&[Scope]>,
        at: Timestamp,
    ) -> Option<PersonRecord> {
        // Whoever may do nothing any more is nobody, whatever they still hold.
        let member = self.people.get(name).filter(|member| !member.roles.is_empty())?;
        let roles = match scopes {
            Some(scopes) => Scope::limit(scopes, &member.roles),
            None => member.roles.clone(),
        };
        Some(PersonRecord {
            name: name.clone(),
            roles,
            groups: member.groups.clone(),
            stands_in_for: self.stands_in_for(name, at),
            kind,
            secret: credential.hash,
            expires_at: credential.until,
        })
    }

    fn known(&self, hash: Digest, at: Timestamp) -> Option<&Credential> {
        self.credentials.get(&hash).filter(|credential| credential.is_in_force(at))
    }

    fn is_owner(&self, name: &ReviewerName) -> bool {
        self.people.get(name).is_some_and(|member| member.roles.contains(&Role::Owner))
    }

    fn take(&mut self, by: &By, change: &Change, at: Timestamp, index: u64) {
        match change {
            Change::AgentAdded { name, owner, tools } => {
                let (owner, tools) = (owner.clone(), tools.clone());
                let added_by = by.clone();
                let machine = Machine { owner, tools, confirm: None, since: at, added_by };
                self.agents.insert(name.clone(), machine);
            }
            Change::AgentChanged { name, owner, tools } => {
                if let Some(machine) = self.agents.get_mut(name) {
                    (machine.owner, machine.tools) = (owner.clone(), tools.clone());
                }
            }
            Change::AgentKeyAdded { agent, key } => {
                self.give(*key, Holder::Agent(agent.clone()), at, None);
            }
            Change::AgentKeyEnds { key, until } => {
                let hash = self.hashes.get(key);
                if let Some(key) = hash.and_then(|hash| self.credentials.get_mut(hash)) {
                    key.until = Some(*until);
                }
            }
            Change::AgentRevoked { name } => {
                self.agents.remove(name);
                self.forget(|holder| matches!(holder, Holder::Agent(agent) if agent == name));
            }
            Change::CallbackSet { .. } => {}
            Change::AgentConfirms { agent, key } => self.confirm(agent, *key),
            Change::PermitKeyAdded { kid } => self.permit_keys.push((*kid, at)),
            Change::PersonAdded { name, roles, groups } => {
                if let By::Invitation(invitation) = by {
                    self.spend(*invitation);
                }
                let member = Member {
                    roles: roles.clone(),
                    groups: groups.clone(),
                    since: at,
                    added_by: by.clone(),
                    links: Vec::new(),
                };
                self.people.insert(name.clone(), member);
            }
            Change::PersonChanged { name, roles, groups } => {
                if let Some(member) = self.people.get_mut(name) {
                    (member.roles, member.groups) = (roles.clone(), groups.clone());
                }
                if !self.is_owner(name) {
                    self.let_in_by_nobody(name);
                }
            }
            Change::PersonLinked { name, issuer, subject } => {
                if let Some(member) = self.people.get_mut(name) {
                    member.links.push((issuer.clone(), subject.clone()));
                }
            }
            Change::PersonRemoved { name } => self.remove(name, index),
            Change::Invited { invitation, roles, groups, until } => {
                let (roles, groups) = (roles.clone(), groups.clone());
                let holder = Holder::Invitation { roles, groups, by: by.clone() };
                self.give(*invitation, holder, at, Some(*until));
            }
            Change::InvitationEnded { invitation: id }
            | Change::TokenRevoked { token: id }
            | Change::SessionClosed { session: id } => self.spend(*id),
            Change::CoverSet { away, stand_in, until } => {
                self.uncover(away, stand_in);
                let (away, stand_in) = (away.clone(), stand_in.clone());
                self.covers.push(Cover { away, stand_in, until: *until });
            }
            Change::CoverEnded { away, stand_in } => self.uncover(away, stand_in),
            Change::KeyOffered { person, key } => {
                let (id, person, key) = (key.id(), person.clone(), key.clone());
                let standing = Standing::Offered;
                self.keys.insert(id, Key { person, key, standing, until: None });
            }
            Change::KeyEnrolled { person: _, key, countersigned } => {
                self.rooted = true;
                if let Some(key) = self.keys.get_mut(key) {
                    let countersigned = countersigned.clone();
                    key.standing = Standing::Enrolled { from: index, at, countersigned };
                }
            }
            Change::KeyRevoked { person: _, key } => self.revoke(*key, index),
            Change::TokenIssued { token, person, scopes, until } => {
                let holder = Holder::Token { person: person.clone(), scopes: scopes.clone() };
                self.give(*token, holder, at, *until);
            }
            Change::LinkMade { link, person, until } => {
                let (person, by) = (person.clone(), by.clone());
                self.give(*link, Holder::Link { person, by }, at, Some(*until));
            }
            Change::SessionOpened { session, person, how, until } => {
                if let How::Link(link) = how {
                    self.spend(*link);
                }
                let holder = Holder::Session { person: person.clone(), how: how.clone() };
                self.give(*session, holder, at, Some(*until));
            }
        }
    }

    fn confirm(&mut self, agent: &AgentName, key: Option<Thumbprint>) {
        if let Some(machine) = self.agents.get_mut(agent) {
            machine.confirm = key;
        }
    }

    fn give(
        &mut self,
        Sealed { id, hash }: Sealed,
        holder: Holder,
        since: Timestamp,
        until: Option<Timestamp>,
    ) {
        self.hashes.insert(id, hash);
        self.credentials.insert(hash, Credential { id, hash, holder, since, until });
    }

    fn spend(&mut self, id: CredentialId) {
        if let Some(hash) = self.hashes.remove(&id) {
            self.credentials.remove(&hash);
        }
    }

    fn forget(&mut self, ends: impl Fn(&Holder) -> bool) {
        self.credentials.retain(|_, credential| !ends(&credential.holder));
        let Self { credentials, hashes, .. } = self;
        hashes.retain(|_, hash| credentials.contains_key(hash));
    }

    /// Whoever came in by that key is out with it.
    fn revoke(&mut self, id: Digest, index: u64) {
        if let Some(key) = self.keys.get_mut(&id) {
            key.until = Some(index);
        }
        let opened = |how: &How| matches!(how, How::Passkey(with) if *with == id);
        self.forget(|holder| matches!(holder, Holder::Session { how, .. } if opened(how)));
    }

    fn remove(&mut self, name: &ReviewerName, index: u64) {
        self.people.remove(name);
        self.covers.retain(|cover| cover.away != *name && cover.stand_in != *name);
        let theirs = self.keys.values_mut().filter(|key| key.person == *name);
        theirs.filter(|key| key.until.is_none()).for_each(|key| key.until = Some(index));
        self.let_in_by_nobody(name);
        self.forget(|holder| match holder {
            Holder::Agent(_) | Holder::Invitation { .. } => false,
            Holder::Token { person, .. }
            | Holder::Session { person, .. }
            | Holder::Link { person, .. } => person == name,
        });
    }

    /// Whom somebody would let in who may let in nobody any more, and who has not come yet, is let
    /// in by nobody now: neither by an invitation, nor as somebody else by a link.
    fn let_in_by_nobody(&mut self, name: &ReviewerName) {
        let made = |by: &By| matches!(by, By::Person(maker) if maker == name);
        self.forget(|holder| match holder {
            Holder::Invitation { by, .. } => made(by),
            Holder::Link { person, by } => made(by) && person != name,
            Holder::Agent(_) | Holder::Token { .. } | Holder::Session { .. } => false,
        });
    }

    fn uncover(&mut self, away: &ReviewerName, stand_in: &ReviewerName) {
        self.covers.retain(|cover| cover.away != *away || cover.stand_in != *stand_in);
    }

    /// Forgets what has ended, now and then.
    fn tidy(&mut self, at: Timestamp) {
        if self.credentials.len() < (2 * self.tidied).max(FEW) {
            return;
        }
        self.credentials.retain(|_, credential| credential.is_in_force(at));
        let Self { credentials, hashes, .. } = self;
        hashes.retain(|_, hash| credentials.contains_key(hash));
        self.covers.retain(|cover| at < cover.until);
        self.tidied = self.credentials.len();
    }
}
