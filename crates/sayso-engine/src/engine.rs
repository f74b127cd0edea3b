//! The engine as its callers see it.

mod agents;
mod erase;
mod follow;
mod passkeys;
mod people;
mod propose;
mod read;
mod sign;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use sayso_core::halt::Halt;
use sayso_core::{Command, Digest, Escalation, EscalationId, WorkspaceEvent};
use sayso_ledger::tree::empty_root;
use sayso_ledger::{Checkpoint, SigningKey};
use sayso_policy::Policy;
use sayso_store::{Store, StoreError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::Shared;
use crate::authority::Authority;
use crate::callback::Callbacks;
use crate::challenge::Challenges;
use crate::clock::{Clock, SteadyClock, SystemClock};
use crate::error::{EngineError, StartError};
use crate::job::{Act, Done, Job, Work};
use crate::keys::{KeyError, KeyPlace, Keys, PermitSeeds, replace_log_key};
use crate::ledger::{Opened, Sealer};
use crate::listening::Ears;
use crate::metrics::Metrics;
use crate::permit::{BadPermit, Claims, PermitKeys};
use crate::policy::{NotPut, PolicyFile, PolicyState};
use crate::record::{AtHand, Record};
use crate::wake::Waiters;
use crate::writer::WriterLoop;

pub use agents::{NotConfirmed, Possession, Redeemed};
pub use erase::NotErased;
pub use passkeys::PasskeyError;
pub use people::DecideError;
pub use propose::{NewEscalation, Subject};
pub use sign::{Intent, ToSign};

/// How many jobs may wait for the writer before callers wait in turn.
const QUEUE: usize = 4_096;

/// How an engine is set up.
pub struct Options {
    /// What judges proposals.
    pub policy: PolicyFile,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The issuer named in permits: the server's public address.
    pub issuer: String,
    /// Where the signing keys are.
    pub keys: KeyPlace,
    /// The file outside of the store that holds the ledger's newest head. Without one, nobody
    /// notices when an older copy of the store is put back.
    pub head: Option<PathBuf>,
    /// Whether a person says that a restored backup may go on, under another log key.
    pub accept_restored_backup: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy: PolicyFile::built_in(),
            clock: Arc::new(SystemClock::default()),
            issuer: "sayso".into(),
            keys: KeyPlace::default(),
            head: None,
            accept_restored_backup: false,
        }
    }
}

/// Runs commands. Cheap to clone; the writer stops when the last clone is gone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    policy: PolicyFile,
    permits: std::sync::RwLock<Arc<PermitKeys>>,
    /// Where the signing keys are, and whom permits name as their issuer.
    keys: KeyPlace,
    issuer: String,
    challenges: Challenges,
    authority: Authority,
    halts: std::sync::RwLock<Arc<[Halt]>>,
    /// Closed when the writer has ended.
    ended: watch::Receiver<()>,
}

impl Engine {
    /// Starts the engine over a store: the writer on a thread of its own, and what follows the
    /// policy file and other servers on the present runtime.
    pub async fn start(store: Arc<dyn Store>, options: Options) -> Result<Self, StartError> {
        let size = store.ledger_size().await?;
        let latest = store.entries(size.max(1), 1).await?.first().map(|entry| entry.at);
        let mut writer = store.writer().await?;
        let heard_until = writer.begin().await?.clocks.into_iter().map(|clock| clock.until).max();
        writer.rollback().await?;
        let latest = latest.max(heard_until);
        let clock = Arc::new(SteadyClock::new(Arc::clone(&options.clock), latest));
        let keys = Keys::open(&options.keys, &*store).await?;
        let (sealer, restored) = open_ledger(&*store, &options, keys.log).await?;
        let challenges = store.signing_key("challenge", crate::entropy()).await?;
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
            heads: sealer.heads(),
            store: Arc::clone(&store),
        });
        shared.callbacks.look(&*store).await?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let authority = Authority::new(Arc::clone(&store));
        let named = authority.directory().await?;
        let writer = WriterLoop::new(Arc::clone(&shared), writer, authority.clone(), queue);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Failed(error.into()))?;
        let (writing, ended) = watch::channel(());
        std::thread::Builder::new()
            .name("sayso-writer".into())
            .spawn(move || {
                runtime.block_on(writer.run());
                drop(writing);
            })
            .map_err(|error| StoreError::Failed(error.into()))?;

        let halts = store.halts().await?.into();
        let seeds = PermitSeeds::open(&options.keys, &*store, named.permit_keys()).await?;
        let permits = Arc::new(PermitKeys::of(&seeds, &options.issuer));
        let engine = Self {
            inner: Arc::new(Inner {
                shared,
                jobs,
                permits: std::sync::RwLock::new(permits),
                keys: options.keys,
                issuer: options.issuer,
                challenges: Challenges::new(challenges),
                policy: options.policy,
                authority,
                halts: std::sync::RwLock::new(halts),
                ended,
            }),
        };
        if let Some(event) = restored {
            engine.run(Work::Note(event)).await.map_err(|error| match error {
                EngineError::Store(error) => error,
                other => StoreError::Failed(other.into()),
            })?;
            engine.authority().follow().await?;
        }
        tokio::spawn(sealer.run(Arc::downgrade(&engine.inner)));
        engine.record_present_policy().await;
        tokio::spawn(follow::policy(Arc::downgrade(&engine.inner)));
        tokio::spawn(follow::callbacks(Arc::downgrade(&engine.inner)));
        tokio::spawn(follow::authority(Arc::downgrade(&engine.inner)));
        if !exclusive {
            // From before anything was read: what others committed since is told, if need be twice.
            tokio::spawn(follow::others(Arc::downgrade(&engine.inner), size + 1));
        }
        Ok(engine)
    }

    /// Waits until the writer has ended, which it does when the last clone of the engine is gone.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.inner.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
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

    /// Puts another policy in force in place of the one of hash `old`, and writes it to the policy's
    /// file. Judging whether that may be done is the caller's, who has looked at the old one.
    ///
    /// The ledger is told first: nothing is ever judged by a policy that it does not know.
    pub async fn put_policy(&self, policy: Policy, old: Digest) -> Result<(), NotPut> {
        let (engine, policy) = (self.clone(), Arc::new(policy));
        // Done to its end, also when whoever asked has gone.
        let put = tokio::spawn(async move {
            engine.inner.policy.check(old)?;
            let recorded = engine.record_policy(&policy).await;
            recorded.map_err(|error| NotPut::Unrecorded(error.to_string()))?;
            let put = engine.inner.policy.put(policy, old);
            if put.is_err() {
                engine.record_present_policy().await;
            }
            put
        });
        put.await.unwrap_or_else(|error| Err(NotPut::Unrecorded(error.to_string())))
    }

    /// The keys that permits are signed with.
    pub fn permits(&self) -> Arc<PermitKeys> {
        Arc::clone(&self.inner.permits.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The permit of what was granted, if the grant is unused.
    pub fn permit(&self, escalation: &Escalation) -> Option<String> {
        let directory = self.authority().known();
        let executor = directory.agent(escalation.executor());
        self.permits().issue(escalation, executor.and_then(|executor| executor.confirm))
    }

    /// Checks a permit's signature, also one by a key that another server has heard of first.
    pub async fn verify_permit(&self, permit: &str) -> Result<Claims, EngineError> {
        match self.permits().verify(permit, self.now()) {
            Err(BadPermit::Header) => {}
            other => return Ok(other?),
        }
        self.authority().follow().await?;
        self.follow_permit_keys().await?;
        Ok(self.permits().verify(permit, self.now())?)
    }

    /// Takes up a new key for permits, if the ledger names one.
    async fn follow_permit_keys(&self) -> Result<(), StoreError> {
        let (directory, inner) = (self.authority().known(), &self.inner);
        let named = directory.permit_keys();
        if named.len() == self.permits().replaced() {
            return Ok(());
        }
        let seeds = match PermitSeeds::open(&inner.keys, self.store(), named).await {
            Ok(seeds) => seeds,
            Err(KeyError::Store(error)) => return Err(error),
            // The ones at hand sign on; whoever looks after the server reads why.
            Err(error) => {
                tracing::error!(%error, "the new key for permits can't be used");
                return Ok(());
            }
        };
        let keys = Arc::new(PermitKeys::of(&seeds, &inner.issuer));
        *inner.permits.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
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

    async fn refresh_halts(&self) -> Result<(), StoreError> {
        let halts = self.store().halts().await?.into();
        *self.inner.halts.write().unwrap_or_else(PoisonError::into_inner) = halts;
        Ok(())
    }

    async fn record_policy(&self, policy: &Policy) -> Result<(), EngineError> {
        self.run(Work::Policy(policy.hash(), policy.text().to_owned())).await.map(|_| ())
    }

    async fn record_present_policy(&self) {
        if let Err(error) = self.record_policy(&self.policy().policy).await {
            tracing::warn!(%error, "the policy in force was not written to the ledger");
        }
    }
}

/// Opens the ledger's tree. Where it is not what was signed and a person says that it may go on all
/// the same, the log ends and another begins; and what has to be written down of that.
async fn open_ledger(
    store: &dyn Store,
    options: &Options,
    key: SigningKey,
) -> Result<(Box<Sealer>, Option<WorkspaceEvent>), StartError> {
    let own = key.public().name().to_owned();
    let (lost, error) = match Sealer::open(store, key, options.head.clone()).await? {
        Opened::InOrder(sealer) => return Ok((sealer, None)),
        Opened::Restored(lost, error) => (lost, error),
    };
    if !options.accept_restored_backup {
        return Err(error.into());
    }
    // Where no head can be read any more, nothing is known of the log that ends.
    let unknown = || Checkpoint { origin: own.clone(), size: 0, root: empty_root() };
    let Checkpoint { origin, size, root } = lost.unwrap_or_else(unknown);
    tracing::warn!(log = origin, size, "the log ends here: a restored backup goes on");
    let key = replace_log_key(&options.keys, store).await?;
    // Other servers may go on with the log of the key that was here.
    for ended in [&origin, &own] {
        store.retire_log(ended).await?;
    }
    let sealer = Sealer::begin_anew(store, key, options.head.clone()).await?;
    Ok((sealer, Some(WorkspaceEvent::BackupRestored { log: origin, size, root })))
}
