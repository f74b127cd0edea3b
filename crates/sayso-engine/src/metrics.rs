//! Counts of what happened, for Prometheus (text format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sayso_core::{Escalation, Event};
use sayso_store::Standing;

/// Counts since the server started.
#[derive(Debug, Default)]
pub struct Metrics {
    proposed: [AtomicU64; 3],
    outcomes: Mutex<BTreeMap<(&'static str, &'static str, &'static str), u64>>,
    decisions: Mutex<BTreeMap<&'static str, u64>>,
    refused: AtomicU64,
    shadow: AtomicU64,
    untold: AtomicU64,
    forbidden_tools: AtomicU64,
    commits: AtomicU64,
    jobs: AtomicU64,
    commit_micros: AtomicU64,
    sealed: AtomicU64,
    tampered: AtomicU64,
    unwitnessed: AtomicU64,
}

impl Metrics {
    pub(crate) fn committed(&self, took: Duration, jobs: usize) {
        self.commits.fetch_add(1, Relaxed);
        self.jobs.fetch_add(jobs as u64, Relaxed);
        self.commit_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn rule_untold(&self) {
        self.untold.fetch_add(1, Relaxed);
    }

    pub(crate) fn sealed(&self, size: u64) {
        self.sealed.store(size, Relaxed);
    }

    pub(crate) fn tampered(&self) {
        self.tampered.fetch_add(1, Relaxed);
    }

    pub(crate) fn unwitnessed(&self) {
        self.unwitnessed.fetch_add(1, Relaxed);
    }

    pub(crate) fn forbidden_tool(&self) {
        self.forbidden_tools.fetch_add(1, Relaxed);
    }

    pub(crate) fn shadow_differs(&self) {
        self.shadow.fetch_add(1, Relaxed);
    }

    pub(crate) fn happened<'a>(
        &self,
        escalation: &Escalation,
        events: impl Iterator<Item = &'a Event>,
    ) {
        let mut settled = false;
        for event in events {
            if let Event::Proposed { verdict, .. } = event {
                self.proposed[verdict.tier as usize].fetch_add(1, Relaxed);
            }
            if event.person().is_some() {
                let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
                *decisions.entry(event.word()).or_default() += 1;
            }
            settled |= event.settles();
        }
        if let Some(end) = escalation.settled().filter(|_| settled) {
            let basis = end.basis().map_or("", |basis| basis.word());
            let key = (end.tier.word(), end.outcome.word(), basis);
            let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            *outcomes.entry(key).or_default() += 1;
        }
    }

    /// The metrics page.
    pub fn render(&self, pending: Standing, listeners: usize, ledger: u64) -> String {
        let mut page = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, f64)]| {
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(page, "{name}{labels} {value}");
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let load = |counter: &AtomicU64| counter.load(Relaxed) as f64;
        let proposed: Vec<_> = ["fyi", "soft", "hard"]
            .iter()
            .zip(&self.proposed)
            .map(|(tier, count)| (format!("{{tier=\"{tier}\"}}"), load(count)))
            .collect();
        family("sayso_proposed_total", "counter", "Escalations proposed, by tier.", &proposed);
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let outcomes: Vec<_> = outcomes
            .iter()
            .map(|((tier, outcome, basis), count)| {
                let labels = format!("{{tier=\"{tier}\",outcome=\"{outcome}\",basis=\"{basis}\"}}");
                (labels, *count as f64)
            })
            .collect();
        family("sayso_outcomes_total", "counter", "How escalations ended.", &outcomes);
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let decisions: Vec<_> = decisions
            .iter()
            .map(|(word, count)| (format!("{{event=\"{word}\"}}"), *count as f64))
            .collect();
        family("sayso_decisions_total", "counter", "What people decided.", &decisions);
        let plain = |value: f64| vec![(String::new(), value)];
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let pending = [
            ("{tier=\"soft\"}".to_owned(), pending.soft as f64),
            ("{tier=\"hard\"}".to_owned(), pending.hard as f64),
        ];
        family("sayso_pending", "gauge", "Escalations open now, by tier.", &pending);
        #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in doubles")]
        let (listeners, ledger) = (listeners as f64, ledger as f64);
        family("sayso_listeners", "gauge", "People's open inboxes and streams.", &plain(listeners));
        family("sayso_ledger_entries", "gauge", "Entries in the ledger.", &plain(ledger));
        family(
            "sayso_ledger_sealed_entries",
            "gauge",
            "Entries under the newest head.",
            &plain(load(&self.sealed)),
        );
        family(
            "sayso_ledger_tampered_total",
            "counter",
            "Times that the ledger was found to be other than what was signed.",
            &plain(load(&self.tampered)),
        );
        family(
            "sayso_witness_failures_total",
            "counter",
            "Heads that a witness did not cosign.",
            &plain(load(&self.unwitnessed)),
        );
        family("sayso_refused_total", "counter", "Commands refused.", &plain(load(&self.refused)));
        family(
            "sayso_shadow_differs_total",
            "counter",
            "Proposals that rules in shadow would have judged otherwise.",
            &plain(load(&self.shadow)),
        );
        family(
            "sayso_rule_untold_total",
            "counter",
            "Rules of which it could not be told whether they apply to a proposal.",
            &plain(load(&self.untold)),
        );
        family(
            "sayso_forbidden_tools_total",
            "counter",
            "Proposals of tools that the agent may not propose.",
            &plain(load(&self.forbidden_tools)),
        );
        family("sayso_commits_total", "counter", "Units of work.", &plain(load(&self.commits)));
        family("sayso_jobs_total", "counter", "Commands in them.", &plain(load(&self.jobs)));
        family(
            "sayso_commit_seconds_total",
            "counter",
            "Time spent in them.",
            &plain(load(&self.commit_micros) / 1e6),
        );
        page
    }
}
