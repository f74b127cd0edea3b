//! How fast one credential may call: a token bucket each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sayso_core::credential::Agent;

use super::problem::{self, Problem};

/// How many callers' buckets are kept.
const CALLERS: usize = 10_000;
/// For how many seconds' worth of calls a burst may go on.
const BURST_SECS: f64 = 5.0;

type Buckets = HashMap<Box<str>, (f64, Instant)>;

/// How fast one credential may call.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Calls a second; none means no limit.
    per_second: Option<u32>,
    buckets: Arc<Mutex<Buckets>>,
}

/// An agent, as one whose calls are counted.
pub(crate) fn agent(agent: &Agent) -> String {
    format!("agent {}", agent.name())
}

impl Default for RateLimit {
    /// 20,000 calls a second: a guard against a runaway loop, far above any agent's needs.
    fn default() -> Self {
        Self::new(Some(20_000))
    }
}

impl RateLimit {
    /// So many calls a second, with bursts of five seconds' worth; no limit, if none.
    pub fn new(per_second: Option<u32>) -> Self {
        Self { per_second, buckets: Arc::default() }
    }

    /// Takes note of so many calls of a caller's, if there may be so many.
    pub(crate) fn spend(&self, caller: &str, calls: u32) -> Result<(), Problem> {
        let calls = f64::from(calls);
        let Some(rate) = self.per_second.map(f64::from) else { return Ok(()) };
        let now = Instant::now();
        let full = rate * BURST_SECS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(caller) {
            if buckets.len() >= CALLERS {
                buckets.clear();
            }
            buckets.insert(caller.into(), (full, now));
        }
        let Some((left, since)) = buckets.get_mut(caller) else { return Ok(()) };
        *left = (*left + now.duration_since(*since).as_secs_f64() * rate).min(full);
        *since = now;
        if *left < calls {
            let detail = format!("{caller} may make {rate} calls a second; wait a moment");
            return Err(Problem::new(problem::TOO_MANY, detail));
        }
        *left -= calls;
        Ok(())
    }
}
