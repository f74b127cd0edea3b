//! Steps 8 and 9, counted once more without the law's own functions: an account of one escalation
//! that knows nothing but approvals, silence, one permit, and what became of it.

use jiff::Timestamp;
use sayso_core::directory::Directory;
use sayso_core::escalation::{Hardened, ReceiptResult};
use sayso_core::grant::{Basis, Grant};
use sayso_core::halt::Halt;
use sayso_core::quorum::Approver;
use sayso_core::{
    AgentName, Digest, Event, GroupName, Needed, Period, ReviewerName, RuleName, Tier, ToolName,
};

use super::report::{Findings, Place, Step};

/// What has become of a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Permit {
    None,
    Unused {
        expires_at: Timestamp,
    },
    /// A backup that was restored holds its grant: it may have been used since.
    Outlived,
    Used {
        receipted: bool,
    },
    /// By the event of that word.
    TakenBack(&'static str),
}

/// An approval that was given, and not taken back.
#[derive(Clone, Debug)]
struct Approved {
    by: ReviewerName,
    groups: Vec<GroupName>,
    /// The key that it was signed with.
    key: Option<Digest>,
    at: Timestamp,
}

impl Approved {
    fn approver(&self) -> Approver<'_> {
        Approver { name: &self.by, groups: &self.groups }
    }
}

/// One escalation's account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    agent: AgentName,
    executor: AgentName,
    tool: Option<ToolName>,
    rule: Option<RuleName>,
    hard: bool,
    quorum: Needed,
    window: Period,
    /// Who approved what it is now.
    approved: Vec<Approved>,
    /// When its silence first began.
    shown: Option<Timestamp>,
    permit: Permit,
}

impl Account {
    /// Of an escalation that begins so; none, if that is no beginning.
    pub(super) fn begin(event: &Event) -> Option<Self> {
        let Event::Proposed { agent, executor, subject, verdict, .. } = event else { return None };
        Some(Self {
            agent: agent.clone(),
            executor: executor.clone(),
            tool: subject.tool().cloned(),
            rule: verdict.rule.clone(),
            hard: verdict.tier == Tier::Hard,
            quorum: verdict.quorum.clone(),
            window: verdict.window,
            approved: Vec::new(),
            shown: None,
            permit: Permit::None,
        })
    }

    /// How it ended, if nothing more can happen to it.
    pub(super) fn ended(&self) -> Option<&'static str> {
        match self.permit {
            Permit::Used { receipted: true } => Some("used"),
            Permit::TakenBack(word) => Some(word),
            Permit::None
            | Permit::Unused { .. }
            | Permit::Outlived
            | Permit::Used { receipted: false } => None,
        }
    }

    /// Takes the next event.
    pub(super) fn take(
        &mut self,
        event: &Event,
        at: Timestamp,
        halts: &[Halt],
        directory: &Directory,
        place: Place,
        found: &mut Findings,
    ) {
        match event {
            Event::Delivered { .. } => self.shown = self.shown.or(Some(at)),
            Event::Hardened { because } => {
                self.hard |= match because {
                    Hardened::Held { .. }
                    | Hardened::Unheard
                    | Hardened::SilentLimit
                    | Hardened::Edited { .. } => true,
                };
            }
            Event::Edited { verdict, .. } => {
                self.hard |= verdict.tier == Tier::Hard;
                self.quorum = verdict.quorum.clone();
                self.window = verdict.window;
                self.approved.clear();
                self.shown = None;
            }
            Event::Approved { approval } => {
                let (by, groups) = (approval.by().clone(), approval.groups().to_vec());
                let key = approval.signed().map(|signed| signed.key);
                self.approved.push(Approved { by, groups, key, at });
            }
            Event::Retracted { by } => self.approved.retain(|approved| approved.by != *by),
            Event::Granted { grant, expires_at } => {
                found.looked(Step::Grants);
                self.granted(grant, at, directory, place, found);
                if self.permit != Permit::None {
                    found.refute(Step::Permits, place, "it is granted twice");
                }
                self.permit = Permit::Unused { expires_at: *expires_at };
            }
            Event::Answered { basis: Basis::Silence, heard, .. } => {
                found.looked(Step::Grants);
                self.heard(heard.unwrap_or_default(), self.window, at, place, found);
                self.ends("answered", place, found);
            }
            Event::Started { by } => {
                found.looked(Step::Permits);
                self.started(by, at, halts, place, found);
            }
            Event::Receipted { result, .. } => {
                found.looked(Step::Permits);
                match &mut self.permit {
                    // What is unknown may still become known.
                    Permit::Used { receipted } => *receipted = *result != ReceiptResult::Unknown,
                    Permit::None
                    | Permit::Unused { .. }
                    | Permit::Outlived
                    | Permit::TakenBack(_) => {
                        found.refute(Step::Permits, place, "a receipt of what was never started");
                    }
                }
            }
            Event::Vetoed { .. }
            | Event::Denied { .. }
            | Event::Withdrawn
            | Event::Halted { .. }
            | Event::Expired
            | Event::Noted
            | Event::Answered { basis: Basis::Decision, .. } => {
                self.ends(event.word(), place, found);
            }
            Event::Proposed { .. }
            | Event::Taken { .. }
            | Event::Lapsed { .. }
            | Event::Frozen { .. }
            | Event::Thawed { .. } => {}
        }
    }

    /// A backup is restored, after which nobody knows what became of its permit.
    pub(super) fn restored(&mut self) {
        if let Permit::Unused { .. } = self.permit {
            self.permit = Permit::Outlived;
        }
    }

    fn ends(&mut self, word: &'static str, place: Place, found: &mut Findings) {
        if let Permit::Used { .. } = self.permit {
            found.refute(Step::Permits, place, format!("it is {word} after its permit was used"));
        } else {
            self.permit = Permit::TakenBack(word);
        }
    }

    fn started(
        &mut self,
        by: &AgentName,
        at: Timestamp,
        halts: &[Halt],
        place: Place,
        found: &mut Findings,
    ) {
        let wrong = match &self.permit {
            Permit::None => Some("it is started without a grant".to_owned()),
            Permit::Used { .. } => Some("it is started a second time".to_owned()),
            Permit::TakenBack(word) => Some(format!("it is started after it was {word}")),
            Permit::Outlived => Some(
                "it is started on a grant that a restored backup holds: it may have been used before"
                    .to_owned(),
            ),
            Permit::Unused { expires_at } if at >= *expires_at => {
                Some(format!("it is started at {at}, when its permit had expired at {expires_at}"))
            }
            Permit::Unused { .. } => None,
        };
        let wrong = wrong.or_else(|| {
            (*by != self.executor).then(|| format!("it is started by {by}, whose permit it is not"))
        });
        let (agent, tool, rule) = (&self.agent, self.tool.as_ref(), self.rule.as_ref());
        let halt = halts.iter().find(|halt| halt.covers(agent, tool, rule));
        let wrong = wrong.or_else(|| {
            halt.map(|halt| format!("it is started while the halt {} is in force", halt.id))
        });
        if let Some(says) = wrong {
            found.refute(Step::Permits, place, says);
        }
        self.permit = Permit::Used { receipted: false };
    }

    fn granted(
        &self,
        grant: &Grant,
        at: Timestamp,
        directory: &Directory,
        place: Place,
        found: &mut Findings,
    ) {
        let hard = grant.tier() == Tier::Hard;
        if hard != self.hard {
            let (granted, is) = (grant.tier().word(), if self.hard { "hard" } else { "soft" });
            let says = format!("it is granted as {granted}, but it is {is}");
            found.refute(Step::Grants, place, says);
        }
        if let Some((heard, window)) = grant.silence() {
            return self.heard(heard, window, at, place, found);
        }
        let approved = |by: &&ReviewerName| self.approved.iter().any(|known| known.by == **by);
        if let Some(nobody) = grant.by().iter().find(|by| !approved(by)) {
            let says = format!("{nobody} is named in the grant and has not approved");
            found.refute(Step::Grants, place, says);
        }
        let named = || self.approved.iter().filter(|known| grant.by().contains(&known.by));
        if let Some(lapsed) = named().find_map(|it| directory.lapsed(it.approver(), it.key, it.at))
        {
            let says = format!("it is granted on an approval that had lapsed: {lapsed}");
            found.refute(Step::Grants, place, says);
        }
        let people: Vec<_> = named().map(Approved::approver).collect();
        if !self.quorum.is_met_by(&people) {
            let mut names: Vec<_> = people.iter().map(|person| person.name).collect();
            names.sort();
            names.dedup();
            let says = format!(
                "it is granted on {} of the {} approvals by different people that it takes",
                names.len(),
                self.quorum
            );
            found.refute(Step::Grants, place, says);
        }
    }

    fn heard(
        &self,
        heard: Period,
        window: Period,
        at: Timestamp,
        place: Place,
        found: &mut Findings,
    ) {
        let says = match self.shown {
            _ if self.hard => "silence grants what is hard".to_owned(),
            None => "silence grants what nobody was shown".to_owned(),
            _ if window < self.window => {
                format!("the window granted on is {window} where {} is asked", self.window)
            }
            _ if heard < window => format!("only {heard} of the window of {window} was heard"),
            Some(shown) if heard > Period::between(shown, at) => format!(
                "{heard} of silence can't have been heard in the {} since it was shown",
                Period::between(shown, at)
            ),
            Some(_) => return,
        };
        found.refute(Step::Grants, place, says);
    }
}
