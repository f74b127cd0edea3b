//! Judging ahead: what the policy lets through without anybody's say-so is made at once and told
//! after, so that it costs next to nothing.
//!
//! The server's policy is asked for every second, and believed for little longer. Whenever there is
//! any doubt (a halt in force, a server that does not answer, one that judges otherwise), nothing
//! goes ahead, and calls are proposed first again.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sayso_client::wire::{Propose, Proposed};
use sayso_core::directory::ToolPattern;
use sayso_core::{Action, AgentName, Period, Tier, ToolName};
use sayso_policy::{Call, Finding, Known, Pace, Policy, Severity, Tool, is_named};
use tokio::sync::{Notify, mpsc};

use crate::server::{Desk, Refused};

/// How often the policy is asked for.
const LOOK: Duration = Duration::from_secs(1);
/// How long what was found is believed.
const BELIEVED: Duration = Duration::from_millis(2_500);
/// How many calls may wait to be told of before the next one waits itself.
const UNTOLD: usize = 256;
/// How many are told of in one request.
const AT_ONCE: usize = 8;

/// What a server goes by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The policy's text.
    pub policy: String,
    /// Who we are there.
    pub agent: String,
    /// The tools that we may propose there; any, if we are bound to none.
    pub tools: Option<Vec<String>>,
    /// Whether that is an agent: people don't ask.
    pub is_agent: bool,
    /// Whether a halt is in force.
    pub halted: bool,
}

/// Rules that were read, and when.
struct Read {
    policy: Policy,
    text: String,
    agent: AgentName,
    tools: Option<Vec<ToolPattern>>,
    since: Instant,
    /// Whether it was held against the tools there are.
    is_checked: bool,
}

impl Read {
    /// What can't be read is none: then the server is asked, and says so.
    fn of(text: String, agent: &str, tools: Option<&[String]>) -> Option<Self> {
        let tools: Option<Result<Vec<ToolPattern>, _>> =
            tools.map(|tools| tools.iter().map(|tool| tool.parse()).collect());
        let tools = tools.transpose().ok()?;
        let (policy, agent) = (Policy::parse(&text).ok()?, agent.parse().ok()?);
        Some(Self { policy, text, agent, tools, since: Instant::now(), is_checked: false })
    }

    /// Whether the server would let the agent propose it at all.
    fn may_propose(&self, tool: &ToolName) -> bool {
        self.tools.as_ref().is_none_or(|tools| is_named(tools, tool))
    }

    fn is_of(&self, text: &str, tools: Option<&[String]>) -> bool {
        let own = self.tools.as_ref().map(|tools| tools.iter().map(ToolPattern::as_str));
        let theirs = tools.map(|tools| tools.iter().map(String::as_str));
        let same = match (own, theirs) {
            (None, None) => true,
            (Some(own), Some(theirs)) => own.eq(theirs),
            (None, Some(_)) | (Some(_), None) => false,
        };
        self.text == text && same
    }
}

/// Judges ahead, and tells after.
pub(super) struct Ahead {
    rules: Mutex<Option<Read>>,
    untold: mpsc::Sender<Propose>,
    /// The rules were looked for.
    looked: Notify,
    /// The policy became another one.
    changed: Arc<Notify>,
    last: Mutex<String>,
}

impl Ahead {
    /// Begins to look at the server's rules, and to tell it of what was made.
    pub(super) fn start(desk: &Arc<dyn Desk>) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let (untold, waiting) = mpsc::channel(UNTOLD);
        let ahead = Arc::new(Self {
            rules: Mutex::default(),
            untold,
            looked: Notify::new(),
            changed: Arc::default(),
            last: Mutex::default(),
        });
        tokio::spawn(look(Arc::downgrade(&ahead), Arc::clone(desk)));
        let telling = tokio::spawn(tell(Arc::downgrade(&ahead), Arc::clone(desk), waiting));
        (ahead, telling)
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Option<Read>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing goes ahead until the rules have been read again.
    fn doubt(&self) {
        *self.rules() = None;
    }

    /// Whether the policy lets a call through without anybody's say-so, beyond doubt. If so, it
    /// has been noted to be told of.
    pub(super) async fn lets_through(&self, action: &Action, propose: &Propose) -> bool {
        let is_fyi = {
            let rules = self.rules();
            let fresh = rules.as_ref().filter(|rules| rules.since.elapsed() < BELIEVED);
            fresh.filter(|rules| rules.may_propose(&action.tool)).is_some_and(|rules| {
                let server = propose.server.as_deref();
                let call = Call { server, ..Call::new(action, &rules.agent) };
                rules.policy.judge(&call).tier == Tier::Fyi
            })
        };
        // Noted before it is made: what is made is told.
        is_fyi && self.untold.send(propose.clone()).await.is_ok()
    }

    /// Tells when the policy becomes another one.
    pub(super) fn changes(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    fn note_change(&self, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != text {
            let is_first = last.is_empty();
            text.clone_into(&mut last);
            if !is_first {
                self.changed.notify_waiters();
            }
        }
    }

    /// Waits a little for the rules, if they are not known yet.
    pub(super) async fn settle(&self) {
        let looked = self.looked.notified();
        if self.rules().is_none() {
            let _ = tokio::time::timeout(LOOK, looked).await;
        }
    }

    /// The least and the most that the policy may ask for calls of a tool, if it is known.
    pub(super) fn outlook(&self, tool: &str, server: &str) -> Option<(Tier, Tier)> {
        let rules = self.rules();
        let rules = rules.as_ref().filter(|rules| rules.since.elapsed() < BELIEVED)?;
        Some(rules.policy.outlook(&tool.parse().ok()?, &rules.agent, Some(server)))
    }

    /// What of the policy can't be meant, seeing these tools: told once on standard error for each
    /// policy, where whoever runs the gateway looks.
    pub(super) fn check(&self, tools: &[Tool]) {
        let mut rules = self.rules();
        let Some(rules) = rules.as_mut().filter(|rules| !rules.is_checked) else { return };
        rules.is_checked = true;
        let known = Known { tools: Some(tools), pace: Pace::Said(Period::ZERO) };
        let findings = rules.policy.check(&known).into_iter();
        for found in findings.filter(|found| found.severity == Severity::Error) {
            let Finding { line, rule, message, mend, .. } = found;
            eprintln!("sayso gateway: the policy, line {line}, rule {rule}: {message}; {mend}");
        }
    }

    fn take(&self, found: Result<Rules, Refused>) {
        let Ok(Rules { policy: text, agent, tools, is_agent: true, halted: false }) = found else {
            return self.doubt();
        };
        let tools = tools.as_deref();
        self.note_change(&text);
        let mut rules = self.rules();
        match &mut *rules {
            Some(known) if known.is_of(&text, tools) => known.since = Instant::now(),
            _ => *rules = Read::of(text, &agent, tools),
        }
    }
}

/// Looks at the server's rules for as long as somebody goes by them.
async fn look(ahead: Weak<Ahead>, desk: Arc<dyn Desk>) {
    loop {
        let found = desk.rules().await;
        let Some(ahead) = ahead.upgrade() else { return };
        ahead.take(found);
        ahead.looked.notify_waiters();
        drop(ahead);
        tokio::time::sleep(LOOK).await;
    }
}

/// Tells the server of what was made, several at a time: that is what would cost most of a call.
async fn tell(ahead: Weak<Ahead>, desk: Arc<dyn Desk>, mut untold: mpsc::Receiver<Propose>) {
    let mut gathered = Vec::with_capacity(AT_ONCE);
    // What comes while some are told of is told of next.
    while untold.recv_many(&mut gathered, AT_ONCE).await > 0 {
        tell_all(&ahead, &*desk, std::mem::take(&mut gathered)).await;
    }
}

/// Tells of calls that were made, so that they must be told: as soon as there is somebody to tell.
async fn tell_all(ahead: &Weak<Ahead>, desk: &dyn Desk, mut made: Vec<Propose>) {
    loop {
        let told = desk.propose_all(made.clone()).await;
        let is_noted = |told: &Proposed| told.outcome.as_deref() == Some("noted");
        let all_noted = told.as_ref().is_ok_and(|told| told.iter().all(is_noted));
        if let Some(ahead) = ahead.upgrade().filter(|_| !all_noted) {
            ahead.doubt();
        }
        let Err(refused) = told else { return };
        // As a whole they may be too much: then each is told on its own.
        if refused.is_by_the_server() && made.len() > 1 {
            let rest = made.split_off(made.len() / 2);
            Box::pin(tell_all(ahead, desk, rest)).await;
            continue;
        }
        tokio::time::sleep(LOOK).await;
    }
}
