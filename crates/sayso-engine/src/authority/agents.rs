//! Agents: what they may propose, who owns them, their keys.

use jiff::Timestamp;
use sayso_core::confirmation::Thumbprint;
use sayso_core::credential::AgentKey;
use sayso_core::directory::{By, Change, Holder, IllegalChange, Machine, ToolPattern};
use sayso_core::{AgentName, Directory, Period, ReviewerName};
use sayso_store::{Callback, StoreError};

use super::amend::{Draft, sealed};
use super::{Actor, Authority, AuthorityError};

/// A new agent's key, or an agent's new key.
pub struct NewAgent {
    /// The agent.
    pub name: AgentName,
    /// Its key, to be shown once.
    pub key: AgentKey,
}

impl Authority {
    /// Adds an agent that answers to `owner` and may propose these tools, or any.
    pub async fn add_agent(
        &self,
        actor: Actor<'_>,
        name: AgentName,
        owner: Option<ReviewerName>,
        tools: Option<Vec<ToolPattern>>,
        now: Timestamp,
    ) -> Result<NewAgent, AuthorityError> {
        let key = AgentKey::from_entropy(crate::entropy());
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            let (name, owner, tools) = (name.clone(), owner.clone(), tools.clone());
            draft.add(by, Change::AgentAdded { name: name.clone(), owner, tools });
            draft.add(by, Change::AgentKeyAdded { agent: name, key: sealed(key.hash()) });
            Ok((draft, ()))
        })
        .await?;
        Ok(NewAgent { name, key })
    }

    /// Adds an agent, or gives one that is there a new key in place of all others, and what else is
    /// said of it.
    pub async fn add_or_renew_agent(
        &self,
        actor: Actor<'_>,
        name: AgentName,
        owner: Option<ReviewerName>,
        tools: Option<Vec<ToolPattern>>,
        now: Timestamp,
    ) -> Result<NewAgent, AuthorityError> {
        let directory = self.directory().await?;
        let Some(known) = directory.agent(&name) else {
            return self.add_agent(actor, name, owner, tools, now).await;
        };
        if owner.is_some() || tools.is_some() {
            let (owner, tools) = (owner.or(known.owner.clone()), tools.or(known.tools.clone()));
            self.change_agent(actor, &name, owner, tools, now).await?;
        }
        self.rotate_agent(actor, name, Period::ZERO, now).await
    }

    /// Gives an agent a new key. Its others work on for `overlap`, and no longer.
    pub async fn rotate_agent(
        &self,
        actor: Actor<'_>,
        name: AgentName,
        overlap: Period,
        now: Timestamp,
    ) -> Result<NewAgent, AuthorityError> {
        let key = AgentKey::from_entropy(crate::entropy());
        let until = overlap.after(now);
        self.amend(actor, now, |directory, by| {
            let mut draft = Draft::default();
            for key in directory.credentials(now) {
                let theirs = matches!(&key.holder, Holder::Agent(agent) if *agent == name);
                if theirs && key.until.is_none_or(|end| until < end) {
                    draft.add(by, Change::AgentKeyEnds { key: key.id, until });
                }
            }
            let agent = name.clone();
            draft.add(by, Change::AgentKeyAdded { agent, key: sealed(key.hash()) });
            Ok((draft, ()))
        })
        .await?;
        Ok(NewAgent { name, key })
    }

    /// Changes whom an agent answers to, and what it may propose.
    pub async fn change_agent(
        &self,
        actor: Actor<'_>,
        name: &AgentName,
        owner: Option<ReviewerName>,
        tools: Option<Vec<ToolPattern>>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let mut draft = Draft::default();
            let same = |known: &Machine| known.owner == owner && known.tools == tools;
            let is_so = directory.agent(name).is_some_and(same);
            let (name, owner, tools) = (name.clone(), owner.clone(), tools.clone());
            let change = Change::AgentChanged { name, owner, tools };
            // Whoever may not is told so, also where it would change nothing.
            directory.check(by, &change, now)?;
            if !is_so {
                draft.add(by, change);
            }
            Ok((draft, ()))
        })
        .await
    }

    /// Has permits for an agent take a proof by that key from now on; by none, if none is given.
    pub async fn confirm_agent(
        &self,
        actor: Actor<'_>,
        name: &AgentName,
        key: Option<Thumbprint>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |directory, by| {
            let mut draft = Draft::default();
            let change = Change::AgentConfirms { agent: name.clone(), key };
            // Whoever may not is told so, also where it would change nothing.
            directory.check(by, &change, now)?;
            if directory.agent(name).is_none_or(|known| known.confirm != key) {
                draft.add(by, change);
            }
            Ok((draft, ()))
        })
        .await
    }

    /// Has permits signed with that key from now on.
    pub(crate) async fn add_permit_key(
        &self,
        actor: Actor<'_>,
        kid: Thumbprint,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft::default();
            draft.add(by, Change::PermitKeyAdded { kid });
            Ok((draft, ()))
        })
        .await
    }

    /// Ends an agent, with all its keys.
    pub async fn revoke_agent(
        &self,
        actor: Actor<'_>,
        name: &AgentName,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.amend(actor, now, |_, by| {
            let mut draft = Draft { callback: Some((name.clone(), None)), ..Draft::default() };
            draft.add(by, Change::AgentRevoked { name: name.clone() });
            Ok((draft, ()))
        })
        .await
    }

    /// Has an agent called at that address when something of its is settled; what the calls are
    /// signed with. Without an address it is called no more.
    pub async fn set_callback(
        &self,
        actor: Actor<'_>,
        agent: &AgentName,
        url: Option<&str>,
        now: Timestamp,
    ) -> Result<[u8; 32], AuthorityError> {
        let secret = crate::entropy();
        self.amend(actor, now, |directory: &Directory, by: &By| {
            if directory.agent(agent).is_none() {
                return Err(IllegalChange::NoSuchAgent(agent.clone()).into());
            }
            let callback = url.map(|url| Callback { url: url.to_owned(), secret });
            let mut draft = Draft { callback: Some((agent.clone(), callback)), ..Draft::default() };
            let url = url.map(str::to_owned);
            draft.add(by, Change::CallbackSet { agent: agent.clone(), url });
            Ok((draft, ()))
        })
        .await?;
        Ok(secret)
    }

    /// All agents' names.
    pub async fn agents(&self) -> Result<Vec<AgentName>, StoreError> {
        Ok(self.directory().await?.agents().map(|(name, _)| name.clone()).collect())
    }
}
