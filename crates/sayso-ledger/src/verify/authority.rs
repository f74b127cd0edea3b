//! Step 11: whether those who acted could, going by what the ledger says of people and agents up
//! to there; and whether those who changed that could.

use jiff::Timestamp;
use sayso_core::credential::Role;
use sayso_core::directory::{By, Change, Directory, ToolPattern};
use sayso_core::grant::Approval;
use sayso_core::{
    AgentName, Escalation, Event, GroupName, ReviewerName, SelfApproval, ToolName, WorkspaceEvent,
};

use super::report::{Findings, Place, Step};

/// Who there is, and what they may do.
#[derive(Debug, Default)]
pub(super) struct Authority {
    pub(super) directory: Directory,
}

impl Authority {
    /// Takes what happened to the workspace: a change of authority is one that could be made.
    pub(super) fn take(
        &mut self,
        event: &WorkspaceEvent,
        at: Timestamp,
        index: u64,
        found: &mut Findings,
    ) {
        let place = Place::entry(index);
        match event {
            WorkspaceEvent::AuthorityChanged { by, change } => {
                found.looked(Step::Authority);
                if let Err(illegal) = self.directory.apply(event, at, index) {
                    found.refute(Step::Authority, place, illegal.to_string());
                } else if *by == By::Operator
                    && let Some(what) = lets_somebody_in(change)
                {
                    let says = format!("the operator {what}; nobody else vouches for that");
                    found.note(Step::Authority, index, says);
                }
            }
            WorkspaceEvent::Erased { by, .. } => {
                self.has(by, Role::Owner, "may not erase texts", place, found);
            }
            WorkspaceEvent::HaltCalled { halt } => self.decides(&halt.by, place, found),
            WorkspaceEvent::HaltLifted { by, .. } => self.decides(by, place, found),
            WorkspaceEvent::PolicyLoaded { .. } | WorkspaceEvent::BackupRestored { .. } => {}
        }
    }

    /// Looks at who is behind an event; `state` is what it happened to.
    pub(super) fn check(
        &self,
        event: &Event,
        state: Option<&Escalation>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        if let Some(person) = event.person() {
            self.decides(person, place, found);
        }
        match event {
            Event::Proposed { agent, answerable, subject, .. } => {
                self.proposes(agent, answerable, subject.tool(), place, found);
            }
            Event::Approved { approval } => self.approves(approval, state, at, place, found),
            _ => {}
        }
    }

    fn decides(&self, person: &ReviewerName, place: Place, found: &mut Findings) {
        self.has(person, Role::Reviewer, "may not decide", place, found);
    }

    fn has(
        &self,
        person: &ReviewerName,
        role: Role,
        else_says: &str,
        place: Place,
        found: &mut Findings,
    ) {
        found.looked(Step::Authority);
        let says = match self.directory.person(person) {
            None => format!("there is no person {person}"),
            Some(member) if !member.roles.contains(&role) => {
                format!("{person} {else_says}: that takes the role {:?}", role.word())
            }
            Some(_) => return,
        };
        found.refute(Step::Authority, place, says);
    }

    fn proposes(
        &self,
        agent: &AgentName,
        answerable: &[ReviewerName],
        tool: Option<&ToolName>,
        place: Place,
        found: &mut Findings,
    ) {
        found.looked(Step::Authority);
        let Some(machine) = self.directory.agent(agent) else {
            found.refute(Step::Authority, place, format!("there is no agent {agent}"));
            return;
        };
        if let Some(owner) = machine.owner.as_ref().filter(|owner| !answerable.contains(owner)) {
            let says = format!("{owner} owns {agent}, and is not named as answerable for it");
            found.refute(Step::Authority, place, says);
        }
        if let (Some(tools), Some(tool)) = (&machine.tools, tool)
            && !sayso_policy::is_named(tools, tool)
        {
            let tools: Vec<_> = tools.iter().map(ToolPattern::as_str).collect();
            let may = if tools.is_empty() { "none".into() } else { tools.join(", ") };
            let says = format!("{agent} proposes the tool {tool}, and may propose {may}");
            found.refute(Step::Authority, place, says);
        }
    }

    fn approves(
        &self,
        approval: &Approval,
        state: Option<&Escalation>,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        let by = approval.by();
        let in_group = |group: &GroupName| {
            self.directory.person(by).is_some_and(|member| member.groups.contains(group))
        };
        if let Some(group) = approval.groups().iter().find(|group| !in_group(group)) {
            let says = format!("{by} counts for the group {group}, and is not in it");
            found.refute(Step::Authority, place, says);
        }
        let Some(state) = state else { return };
        if state.verdict().self_approval == SelfApproval::Allowed {
            return;
        }
        let away = self.directory.stands_in_for(by, at);
        if let Some(owner) = away.iter().find(|away| state.answerable().contains(away)) {
            let says = format!("{by} stands in for {owner}, who answers for the agent");
            found.refute(Step::Authority, place, says);
        }
    }
}

/// In what way a change makes a person, or a way to act as one. Whoever works on the data can make
/// it, and the person's approvals, as far as they need no signature, are then as good as their word.
fn lets_somebody_in(change: &Change) -> Option<String> {
    let words =
        |roles: &[Role]| roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
    Some(match change {
        Change::PersonAdded { name, roles, .. } => format!("added {name} as {}", words(roles)),
        Change::PersonChanged { name, roles, .. } => format!("made {name} {}", words(roles)),
        Change::PersonLinked { name, issuer, .. } => format!("linked {name} to {issuer}"),
        Change::Invited { roles, .. } => format!("invited somebody as {}", words(roles)),
        Change::TokenIssued { person, .. } => format!("made a token of {person}'s"),
        Change::LinkMade { person, .. } => format!("made a login link of {person}'s"),
        Change::AgentAdded { .. }
        | Change::AgentChanged { .. }
        | Change::AgentKeyAdded { .. }
        | Change::AgentKeyEnds { .. }
        | Change::AgentRevoked { .. }
        | Change::CallbackSet { .. }
        | Change::AgentConfirms { .. }
        | Change::PermitKeyAdded { .. }
        | Change::PersonRemoved { .. }
        | Change::InvitationEnded { .. }
        | Change::CoverSet { .. }
        | Change::CoverEnded { .. }
        // Whose key it is, somebody else vouches for; see the signatures.
        | Change::KeyOffered { .. }
        | Change::KeyEnrolled { .. }
        | Change::KeyRevoked { .. }
        | Change::TokenRevoked { .. }
        | Change::SessionOpened { .. }
        | Change::SessionClosed { .. } => return None,
    })
}
