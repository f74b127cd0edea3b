//! Step 10: whether those who acted could, going by what the ledger says of people and agents up to
//! there.

use std::collections::{HashMap, HashSet};

use sayso_core::credential::Role;
use sayso_core::{AgentName, Event, ReviewerName, WorkspaceEvent};

use super::report::{Findings, Place, Step};

/// Who there is, and what they may do.
#[derive(Debug, Default)]
pub(super) struct Authority {
    people: HashMap<ReviewerName, Vec<Role>>,
    agents: HashSet<AgentName>,
}

impl Authority {
    /// Takes what happened to the workspace.
    pub(super) fn take(&mut self, event: &WorkspaceEvent, place: Place, found: &mut Findings) {
        match event {
            WorkspaceEvent::AgentAdded { name } => {
                self.agents.insert(name.clone());
            }
            WorkspaceEvent::ReviewerAdded { name, roles } => {
                self.people.insert(name.clone(), roles.clone());
            }
            WorkspaceEvent::HaltCalled { halt } => self.decides(&halt.by, place, found),
            WorkspaceEvent::HaltLifted { by, .. } => self.decides(by, place, found),
            WorkspaceEvent::AuthorityChanged { .. }
            | WorkspaceEvent::CallbackSet { .. }
            | WorkspaceEvent::PolicyLoaded { .. } => {}
        }
    }

    /// Looks at who is behind an event.
    pub(super) fn check(&self, event: &Event, place: Place, found: &mut Findings) {
        if let Some(person) = event.person() {
            self.decides(person, place, found);
        }
        if let Event::Proposed { agent, .. } = event {
            found.looked(Step::Authority);
            if !self.agents.contains(agent) {
                found.refute(Step::Authority, place, format!("there is no agent {agent}"));
            }
        }
    }

    fn decides(&self, person: &ReviewerName, place: Place, found: &mut Findings) {
        found.looked(Step::Authority);
        let says = match self.people.get(person) {
            None => format!("there is no person {person}"),
            Some(roles) if !roles.contains(&Role::Reviewer) => {
                format!("{person} is no reviewer and may not decide")
            }
            Some(_) => return,
        };
        found.refute(Step::Authority, place, says);
    }
}
