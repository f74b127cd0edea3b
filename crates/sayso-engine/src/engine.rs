//! The engine as its callers see it.

use std::sync::Arc;
use std::time::Duration;

use sayso_core::action::POLICY_APPLY;
use sayso_core::credential::{Agent, Person};
use sayso_core::decision::{Edit, NotAReviewer, Says, Seen, VerifiedDecision};
use sayso_core::escalation::{Proposal, ReceiptResult};
use sayso_core::halt::{Halt, Scope};
use sayso_core::{
    Action, AgentName, Command, Digest, EscalationId, HaltId, Moment, Period, Question, Tier,
    Verdict,
};
use sayso_policy::{Call, Policy};
use sayso_store::{Entry, KeyName, Page, Query, Standing, Store, StoreError};
use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::Shared;
use crate::auth::Authority;
use crate::callback::Callbacks;
use crate::clock::{Clock, SteadyClock, SystemClock};
use crate::error::EngineError;
use crate::job::{Act, Done, Job, Propose, Work};
use crate::listening::{Ears, Listening};
use crate::metrics::Metrics;
use crate::permit::PermitKey;
use crate::policy::NotPut;
use crate::policy::{PolicyFile, PolicyState};
use crate::record::{Ask, AtHand, Edited, Record, Remark};
use crate::stream::Stream;
use crate::wake::Waiters;
use crate::writer::WriterLoop;

/// How many jobs may wait for the writer before callers wait in turn.
const QUEUE: usize = 4_096;
/// How often the policy file is looked at.
/// How often it is looked where agents want to be called.
const CALLBACK_LOOK: Duration = Duration::from_secs(2);
const POLICY_LOOK: Duration = Duration::from_millis(500);

/// How an engine is set up.
pub struct Options {
    /// What judges proposals.
    pub policy: PolicyFile,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The issuer named in permits: the server's public address.
    pub issuer: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: PolicyFile::built_in(),
            clock: Arc::new(SystemClock::default()),
            issuer: "sayso".into(),
        }
    }
}

/// What an escalation is to be about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An action, to be judged by the policy.
    Action(Action),
    /// A question.
    Question(Question),
}

/// What an agent asks for.
#[derive(Clone, Debug)]
pub struct NewEscalation {
    /// An action or a question.
    pub subject: Subject,
    /// What the model says about it.
    pub message: String,
    /// What the model shows with it.
    pub context: Option<Value>,
    /// The MCP server whose tool it is, if that is known.
    pub server: Option<String>,
    /// The tier the agent asks for, if it wants more than the policy.
    pub tier: Option<Tier>,
    /// The window the agent asks for, if it wants more than the policy.
    pub window: Option<Period>,
    /// Who will redeem the permit, if not the agent itself.
    pub executor: Option<AgentName>,
    /// Idempotency key, and the digest of the request it came with.
    pub key: Option<(String, Digest)>,
    /// Whether to answer with the same call's escalation, if there is one to join.
    pub join: bool,
}

/// What a redeemed permit gives: the action, to be run exactly as it is.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// What was approved.
    pub action: Action,
    /// The escalation, started.
    pub record: Arc<Record>,
}

/// Runs commands. Cheap to clone; the writer stops when the last clone is gone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    policy: PolicyFile,
    permits: PermitKey,
    authority: Authority,
    halts: std::sync::RwLock<Arc<[Halt]>>,
}

impl Engine {
    /// Starts the engine over a store: the writer on a thread of its own, and what follows the
    /// policy file and other servers on the present runtime.
    pub async fn start(store: Arc<dyn Store>, options: Options) -> Result<Self, StoreError> {
        let size = store.ledger_size().await?;
        let latest = store.entries(size.max(1), 1).await?.first().map(|entry| entry.at);
        let mut writer = store.writer().await?;
        let heard_until = writer.begin().await?.clocks.into_iter().map(|clock| clock.until).max();
        writer.rollback().await?;
        let latest = latest.max(heard_until);
        let clock = Arc::new(SteadyClock::new(options.clock, latest));
        let seed = store.signing_key("permit", crate::entropy()).await?;
        let exclusive = store.is_exclusive();
        let shared = Arc::new(Shared {
            exclusive,
            clock: Arc::clone(&clock),
            clock_moved: Notify::new(),
            ears: Arc::new(Ears::new(clock, exclusive)),
            at_hand: AtHand::default(),
            waiters: Waiters::default(),
            metrics: Metrics::default(),
            callbacks: Callbacks::default(),
            store: Arc::clone(&store),
        });
        shared.callbacks.look(&*store).await?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = WriterLoop::new(Arc::clone(&shared), writer, queue);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Failed(error.into()))?;
        std::thread::Builder::new()
            .name("sayso-writer".into())
            .spawn(move || runtime.block_on(writer.run()))
            .map_err(|error| StoreError::Failed(error.into()))?;

        let halts = store.halts().await?.into();
        let engine = Self {
            inner: Arc::new(Inner {
                shared,
                jobs,
                permits: PermitKey::new(&seed, &options.issuer),
                policy: options.policy,
                authority: Authority::new(store),
                halts: std::sync::RwLock::new(halts),
            }),
        };
        let policy = engine.policy().policy;
        engine.record_policy(&policy).await;
        tokio::spawn(follow_policy(Arc::downgrade(&engine.inner)));
        tokio::spawn(follow_callbacks(Arc::downgrade(&engine.inner)));
        if !exclusive {
            tokio::spawn(follow_others(Arc::downgrade(&engine.inner)));
        }
        Ok(engine)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.shared().store
    }

    /// Who is who.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// What judges proposals.
    pub fn policy(&self) -> PolicyState {
        self.inner.policy.state()
    }

    /// Puts another policy in force, and writes it to the policy's file. Judging whether that may
    /// be done is the caller's.
    pub fn put_policy(&self, policy: Policy) -> Result<(), NotPut> {
        let policy = self.inner.policy.put(policy)?;
        let engine = self.clone();
        tokio::spawn(async move { engine.record_policy(&policy).await });
        Ok(())
    }

    /// The key that permits are signed with.
    pub fn permits(&self) -> &PermitKey {
        &self.inner.permits
    }

    /// The time, as the engine counts it.
    pub fn now(&self) -> jiff::Timestamp {
        self.shared().clock.now()
    }

    /// Looks at everything that is due; for clocks that were moved by hand.
    pub fn clock_moved(&self) {
        self.shared().clock_moved.notify_one();
    }

    pub(crate) async fn run(&self, work: Work) -> Result<Done, EngineError> {
        let (reply, done) = oneshot::channel();
        let job = Job { work, reply: Some(reply) };
        self.inner.jobs.send(job).await.map_err(|_| EngineError::Stopping)?;
        done.await.map_err(|_| EngineError::Stopping)?
    }

    async fn run_for_record(
        &self,
        id: EscalationId,
        work: Work,
    ) -> Result<Arc<Record>, EngineError> {
        match self.run(work).await? {
            Done::Record(record) => Ok(record),
            Done::Escalation(id) => self.get(id).await,
            Done::Plain | Done::Calls(_) => self.get(id).await,
        }
    }

    async fn act(
        &self,
        id: EscalationId,
        command: Command,
        body: Option<Vec<u8>>,
    ) -> Result<Arc<Record>, EngineError> {
        self.run_for_record(id, Work::Act(Box::new(Act { id, command, body }))).await
    }

    /// An agent proposes.
    pub async fn propose(
        &self,
        agent: &Agent,
        new: NewEscalation,
    ) -> Result<Arc<Record>, EngineError> {
        let NewEscalation { subject, message, context, server, tier, window, executor, key, join } =
            new;
        if let Some(name) = executor.as_ref().filter(|name| *name != agent.name())
            && !self.authority().agents().await?.contains(name)
        {
            return Err(EngineError::NoSuchExecutor(name.to_string()));
        }
        let policy = self.policy().policy;
        let mut ask = Ask { message, context, server, ..Ask::default() };
        let (subject, verdict) = match subject {
            Subject::Action(action) => {
                let call = call(&action, agent.name(), &ask);
                let verdict = judge(&policy, &call, tier);
                self.look_in_shadow(&policy, &call, &verdict);
                let subject = sayso_core::escalation::Subject::action(&action);
                ask.action = Some(action);
                (subject, verdict)
            }
            Subject::Question(question) => {
                let tier = tier.unwrap_or(match question.default {
                    Some(_) => Tier::Soft,
                    None => Tier::Hard,
                });
                let subject = sayso_core::escalation::Subject::question(&question)
                    .map_err(sayso_core::escalation::RefusedProposal::from)?;
                ask.question = Some(question);
                (subject, policy.question(tier))
            }
        };
        let id = EscalationId::from_uuid(uuid::Uuid::now_v7());
        let agent_name = agent.name().clone();
        let proposal = Proposal { agent: agent.clone(), executor, subject, verdict, tier, window };
        let key = key.map(|(key, print)| (KeyName { agent: agent_name, key }, print));
        let propose = Propose { id, proposal, ask: Arc::new(ask), key, join };
        self.run_for_record(id, Work::Propose(Box::new(propose))).await
    }

    /// A person decides.
    pub async fn decide(
        &self,
        id: EscalationId,
        person: &Person,
        says: Says,
        seen: Seen,
        comment: Option<String>,
    ) -> Result<Arc<Record>, DecideError> {
        let answer = match &says {
            Says::Answer(answer) => Some(answer.clone()),
            _ => None,
        };
        let decision = VerifiedDecision::in_session(person, says, seen)?;
        let remark = Remark { comment, answer };
        let body = (remark.comment.is_some() || remark.answer.is_some())
            .then(|| serde_json::to_vec(&remark).unwrap_or_default());
        Ok(self.act(id, Command::Decide(decision), body).await?)
    }

    /// A person approves with other arguments: a new action, judged by the policy again.
    pub async fn approve_edited(
        &self,
        id: EscalationId,
        person: &Person,
        arguments: Map<String, Value>,
        seen: Seen,
        comment: Option<String>,
    ) -> Result<Arc<Record>, DecideError> {
        let record = self.get(id).await?;
        let erased = DecideError::Engine(match &record.ask.question {
            Some(_) => sayso_core::Refusal::IsQuestion.into(),
            None => EngineError::Erased,
        });
        let Some(action) = &record.ask.action else { return Err(erased) };
        let action = action.with_arguments(arguments);
        let agent = record.escalation.agent();
        let (policy, call) = (self.policy().policy, call(&action, agent, &record.ask));
        let verdict = judge(&policy, &call, Some(record.escalation.tier()));
        let edit = Edit { digest: action.digest(), verdict };
        let decision = VerifiedDecision::in_session(person, Says::ApproveEdited(edit), seen)?;
        let body = serde_json::to_vec(&Edited { action, comment }).unwrap_or_default();
        Ok(self.act(id, Command::Decide(decision), Some(body)).await?)
    }

    /// The agent no longer wants it.
    pub async fn withdraw(
        &self,
        id: EscalationId,
        agent: &Agent,
    ) -> Result<Arc<Record>, EngineError> {
        self.act(id, Command::Withdraw(agent.clone()), None).await
    }

    /// Turns a permit into the approved action, once. When this returns, "started" is on disk.
    pub async fn redeem(&self, permit: &str, executor: &Agent) -> Result<Redeemed, EngineError> {
        let claims = self.permits().verify(permit)?;
        let record = self.get(claims.esc).await?;
        let Some(action) = record.ask.action.clone() else { return Err(EngineError::Erased) };
        let agent = record.escalation.agent();
        let (policy, call) = (self.policy().policy, call(&action, agent, &record.ask));
        let today = judge(&policy, &call, Some(claims.tier));
        if action.digest() != record.escalation.digest() || claims.dig != action.digest() {
            return Err(crate::permit::BadPermit::Signature.into());
        }
        let command = Command::Redeem { executor: executor.clone(), today };
        let record = self.act(claims.esc, command, None).await?;
        Ok(Redeemed { action, record })
    }

    /// The executor says what came of it.
    pub async fn report(
        &self,
        id: EscalationId,
        executor: &Agent,
        result: ReceiptResult,
        comment: Option<String>,
    ) -> Result<Arc<Record>, EngineError> {
        let remark = Remark { comment, answer: None };
        let body =
            remark.comment.is_some().then(|| serde_json::to_vec(&remark).unwrap_or_default());
        self.act(id, Command::Report { executor: executor.clone(), result }, body).await
    }

    /// Somebody who can veto was shown it.
    pub async fn delivered(&self, id: EscalationId, channel: &str) -> Result<(), EngineError> {
        let command = Command::Deliver { channel: channel.into() };
        let work = Work::Act(Box::new(Act { id, command, body: None }));
        let job = Job { work, reply: None };
        self.inner.jobs.send(job).await.map_err(|_| EngineError::Stopping)
    }

    /// A person stops everything, an agent, a tool or a rule.
    pub async fn halt(
        &self,
        person: &Person,
        scope: Scope,
        reason: String,
    ) -> Result<Halt, DecideError> {
        reviewer(person)?;
        let halt = Halt {
            id: HaltId::from_uuid(uuid::Uuid::now_v7()),
            scope,
            reason,
            by: person.name().clone(),
            at: self.now(),
        };
        let called = self.run(Work::Halt(halt.clone())).await;
        // Also when that failed: it may have been kept all the same.
        let refreshed = self.refresh_halts().await;
        called?;
        refreshed.map_err(EngineError::from)?;
        Ok(halt)
    }

    /// A person lifts a halt.
    pub async fn lift(&self, person: &Person, halt: HaltId) -> Result<(), DecideError> {
        reviewer(person)?;
        let lifted = self.run(Work::Lift(halt, person.name().clone())).await;
        let refreshed = self.refresh_halts().await;
        lifted?;
        refreshed.map_err(EngineError::from)?;
        Ok(())
    }

    async fn refresh_halts(&self) -> Result<(), StoreError> {
        let halts = self.store().halts().await?.into();
        *self.inner.halts.write().unwrap_or_else(std::sync::PoisonError::into_inner) = halts;
        Ok(())
    }

    /// The halts in force.
    pub fn halts(&self) -> Arc<[Halt]> {
        Arc::clone(&self.inner.halts.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// An escalation, if there is one.
    pub async fn find(&self, id: EscalationId) -> Result<Option<Arc<Record>>, StoreError> {
        let shared = self.shared();
        if shared.exclusive
            && let Some(record) = shared.at_hand.get(id)
        {
            return Ok(Some(record));
        }
        let kept = self.store().kept(id).await?;
        Ok(kept.map(|kept| Arc::new(Record::from_kept(kept))))
    }

    /// Those of these escalations that there are, in no particular order.
    pub async fn several(&self, ids: &[EscalationId]) -> Result<Vec<Arc<Record>>, StoreError> {
        let shared = self.shared();
        let (mut found, mut absent) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            match shared.at_hand.get(*id).filter(|_| shared.exclusive) {
                Some(record) => found.push(record),
                None => absent.push(*id),
            }
        }
        if !absent.is_empty() {
            let kept = self.store().several(&absent).await?;
            found.extend(kept.into_iter().map(|kept| Arc::new(Record::from_kept(kept))));
        }
        Ok(found)
    }

    /// An escalation.
    pub async fn get(&self, id: EscalationId) -> Result<Arc<Record>, EngineError> {
        self.find(id).await?.ok_or(EngineError::NoSuchEscalation(id))
    }

    /// An escalation, as soon as it is settled, or as it is after `patience`.
    pub async fn wait(
        &self,
        id: EscalationId,
        patience: Duration,
    ) -> Result<Arc<Record>, EngineError> {
        let waiters = &self.shared().waiters;
        let patience = tokio::time::sleep(patience);
        tokio::pin!(patience);
        loop {
            let woken = waiters.outcome(id);
            // Durable state, not the wait, says what is so.
            let record = self.get(id).await;
            if record.as_ref().map_or(true, |record| !record.escalation.is_pending()) {
                drop(woken);
                waiters.tidy(id);
                return record;
            }
            tokio::select! {
                biased;
                _ = woken => {}
                () = &mut patience => {
                    waiters.tidy(id);
                    return self.get(id).await;
                }
            }
        }
    }

    /// A page of escalations, newest first.
    pub async fn list(
        &self,
        query: &Query,
    ) -> Result<(Vec<Arc<Record>>, Option<EscalationId>), StoreError> {
        let Page { items, next } = self.store().list(query).await?;
        let records = items.into_iter().map(|kept| Arc::new(Record::from_kept(kept)));
        Ok((records.collect(), next))
    }

    /// The present moment as it concerns an escalation.
    pub fn moment(&self, record: &Record) -> Moment {
        let escalation = &record.escalation;
        let mut moment = self.shared().moment(escalation);
        let halts = self.halts();
        let covering = halts.iter().find(|halt| {
            halt.covers(escalation.agent(), escalation.subject().tool(), escalation.rule())
        });
        moment.halt = covering.map(|halt| halt.id);
        moment
    }

    /// Everything that happens after ledger index `after`; from now on, if none.
    pub async fn stream(&self, after: Option<u64>) -> Result<Stream, StoreError> {
        // Subscribed before the ledger is read, so that nothing falls between.
        let feed = self.shared().waiters.subscribe();
        let after = match after {
            Some(after) => after,
            None => self.store().ledger_size().await?,
        };
        Ok(Stream::new(self.clone(), feed, after + 1))
    }

    /// A person who can veto is listening, until the guard is dropped. To be called once they
    /// have been written everything that is open.
    pub fn listen(&self) -> Listening {
        self.shared().ears.listen()
    }

    /// Whether the way to veto works; while it does not, silence means nothing.
    pub fn veto_works(&self, works: bool) {
        self.shared().ears.veto_works(works);
    }

    /// At most `limit` ledger entries from `from` on.
    pub async fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store().entries(from, limit).await
    }

    /// How many entries the ledger has.
    pub async fn ledger_size(&self) -> Result<u64, StoreError> {
        self.store().ledger_size().await
    }

    /// Succeeds if the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store().ping().await
    }

    /// The metrics page.
    pub async fn metrics(&self) -> Result<String, StoreError> {
        let pending: Standing = self.store().pending_counts().await?;
        let size = self.store().ledger_size().await?;
        let shared = self.shared();
        Ok(shared.metrics.render(pending, shared.ears.listeners(), size))
    }

    async fn record_policy(&self, policy: &Policy) {
        let work = Work::Policy(policy.hash(), policy.text().to_owned());
        if let Err(error) = self.run(work).await {
            tracing::warn!(%error, "the policy in force was not written to the ledger");
        }
    }
}

fn reviewer(person: &Person) -> Result<(), NotAReviewer> {
    match person.is(sayso_core::credential::Role::Reviewer) {
        true => Ok(()),
        false => Err(NotAReviewer(person.name().clone())),
    }
}

/// Why a person's decision did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// They may not decide.
    #[error(transparent)]
    NotAReviewer(#[from] NotAReviewer),
    /// The engine, or the law, said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Puts the policy file's changes into force.
async fn follow_policy(engine: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(POLICY_LOOK).await;
        let Some(inner) = engine.upgrade() else { return };
        if let Some(policy) = inner.policy.reload() {
            tracing::info!(policy = %policy.hash(), "a new policy is in force");
            Engine { inner }.record_policy(&policy).await;
        }
    }
}

/// Looks where agents want to be called: the command line changes it beside us.
async fn follow_callbacks(engine: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(CALLBACK_LOOK).await;
        let Some(inner) = engine.upgrade() else { return };
        let shared = &inner.shared;
        if let Err(error) = shared.callbacks.look(&*shared.store).await {
            tracing::warn!(%error, "can't tell where agents want to be called");
        }
    }
}

/// Wakes waiters and streams for what other servers on the same database commit.
async fn follow_others(engine: std::sync::Weak<Inner>) {
    let mut next = match engine.upgrade() {
        Some(inner) => inner.shared.store.ledger_size().await.map_or(1, |size| size + 1),
        None => return,
    };
    let mut until = next;
    loop {
        let Some(store) = engine.upgrade().map(|inner| Arc::clone(&inner.shared.store)) else {
            return;
        };
        let news = tokio::select! {
            // What could not be read is told a little later.
            () = tokio::time::sleep(Duration::from_secs(1)), if next < until => Ok(until),
            news = store.elsewhere() => news,
            // So that the store of a dropped engine is let go of.
            () = tokio::time::sleep(Duration::from_secs(5)) => continue,
        };
        let Some(inner) = engine.upgrade() else { return };
        match news {
            Ok(news) => {
                until = until.max(news);
                next = Engine { inner }.tell_elsewhere(next, until).await;
            }
            Err(error) => {
                tracing::warn!(%error, "can't hear of other servers' commits");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

impl Engine {
    async fn tell_elsewhere(&self, mut next: u64, until: u64) -> u64 {
        use sayso_store::Happened;
        while next < until {
            let Ok(entries) = self.store().entries(next, 500).await else { return next };
            let Some(last) = entries.last().map(|entry| entry.seq) else { return next };
            let mut published = Vec::with_capacity(entries.len());
            for entry in entries {
                match entry.happened {
                    Happened::Escalation { id, event, .. } => {
                        self.shared().waiters.settled(id);
                        let word = event.word();
                        published.push(crate::wake::Published {
                            seq: entry.seq,
                            word,
                            escalation: id,
                            record: None,
                        });
                    }
                    Happened::Workspace(_) => {
                        let _ = self.refresh_halts().await;
                    }
                }
            }
            self.shared().waiters.publish(published);
            next = last + 1;
        }
        next
    }
}

impl Engine {
    /// Tells what the rules in shadow would have changed.
    fn look_in_shadow(&self, policy: &Policy, call: &Call<'_>, verdict: &Verdict) {
        let Some(would_be) = policy.judge_with_shadow(call) else { return };
        if would_be == *verdict {
            return;
        }
        self.shared().metrics.shadow_differs();
        let rule = would_be.rule.as_ref().map_or("(none)", |rule| rule.as_str());
        tracing::info!(
            tool = %call.action.tool, agent = %call.agent, tier = %verdict.tier,
            would_be = %would_be.tier, rule, "rules in shadow would ask for something else"
        );
    }
}

/// An action as the policy looks at it.
fn call<'a>(action: &'a Action, agent: &'a AgentName, ask: &'a Ask) -> Call<'a> {
    let (server, context) = (ask.server.as_deref(), ask.context.as_ref());
    Call { action, agent, server, context }
}

/// What the policy asks for an action. A review of the model's own words runs nothing, so only a
/// rule that names it asks for more than the model does. A new policy needs people, whatever the
/// present one says.
fn judge(policy: &Policy, call: &Call<'_>, asked: Option<Tier>) -> Verdict {
    let verdict = policy.judge(call);
    if call.action.tool.as_str() == POLICY_APPLY {
        return Verdict { tier: Tier::Hard, ..verdict };
    }
    match asked {
        Some(asked) if verdict.rule.is_none() && call.action.is_review() => policy.question(asked),
        _ => verdict,
    }
}
