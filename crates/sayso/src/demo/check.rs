//! After the demo: do the git history, the directory and the ledger tell the same story?

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use sayso_core::escalation::{Outcome, PermitState, ReceiptResult};
use sayso_core::grant::Basis;
use sayso_core::{Escalation, EscalationId, Event, ReviewerName};
use sayso_store::sqlite::{Access, SqliteStore};
use sayso_store::{Happened, Store};

use super::repository::{BRANCH, RECORDS, Repository};
use crate::connect::WORKSPACE;
use crate::output::{BAD, GOOD, styled};

/// What was found.
pub(crate) struct Found {
    /// One line for each thing looked at.
    pub(crate) lines: Vec<String>,
    /// Whether nothing happened without its say-so.
    pub(crate) lawful: bool,
    /// Whether all happened that an approving reviewer should see.
    pub(crate) complete: bool,
}

impl Found {
    fn look(&mut self, what: &str, lawful: bool, complete: bool, detail: &str) {
        let mark = match (lawful, complete) {
            (false, _) => styled(BAD.bold(), "✗"),
            (true, true) => styled(GOOD.bold(), "✓"),
            (true, false) => styled(crate::output::DIM, "–"),
        };
        self.lines.push(format!("{mark} {what:<10} {detail}"));
        self.lawful &= lawful;
        self.complete &= lawful && complete;
    }
}

/// An escalation refolded from the ledger, and when each of its events happened.
struct Story {
    escalation: Escalation,
    history: Vec<(Timestamp, Event)>,
}

impl Story {
    fn when(&self, word: &str) -> Option<Timestamp> {
        self.history.iter().find(|(_, event)| event.word() == word).map(|(at, _)| *at)
    }

    fn count(&self, word: &str) -> usize {
        self.history.iter().filter(|(_, event)| event.word() == word).count()
    }

    fn basis(&self) -> Option<Basis> {
        self.escalation.settled().and_then(sayso_core::escalation::Settled::basis)
    }

    fn succeeded(&self) -> bool {
        let receipt = self.escalation.settled().and_then(sayso_core::escalation::Settled::receipt);
        receipt.is_some_and(|receipt| receipt.result == ReceiptResult::Succeeded)
    }

    /// Whether it was begun, once and after its grant.
    fn began(&self) -> bool {
        self.count("started") == 1 && self.when("granted") <= self.when("started")
    }
}

/// Looks at everything.
pub(crate) async fn all(
    data: &Path,
    work: &Path,
    reviewer: &ReviewerName,
) -> anyhow::Result<Found> {
    let store = SqliteStore::open(data, WORKSPACE, Access::Administer)?;
    let mut found = Found { lines: Vec::new(), lawful: true, complete: true };
    let stories = refold(&store, &mut found).await?;
    let story = |tool: &str| {
        stories.iter().find(|story| {
            story.escalation.subject().tool().is_some_and(|found| found.as_str() == tool)
        })
    };
    fyi(&mut found, story("tell_people"));
    soft(&mut found, work, story("git_merge"))?;
    hard(&mut found, work, reviewer, story("delete_directory"));
    Ok(found)
}

async fn refold(store: &SqliteStore, found: &mut Found) -> anyhow::Result<Vec<Story>> {
    let size = store.ledger_size().await?;
    let entries = store.entries(1, usize::try_from(size)?).await?;
    let gapless = entries.iter().zip(1_u64..).all(|(entry, seq)| entry.seq == seq);
    let mut histories: BTreeMap<EscalationId, Vec<(Timestamp, Event)>> = BTreeMap::new();
    for entry in entries {
        if let Happened::Escalation { id, event, .. } = entry.happened {
            histories.entry(id).or_default().push((entry.at, event));
        }
    }
    let mut stories = Vec::new();
    let mut agree = true;
    for (id, history) in histories {
        let folded = Escalation::fold(id, history.iter().map(|(at, event)| (*at, event)))?;
        let kept = store.kept(id).await?;
        agree &= kept.is_some_and(|kept| kept.escalation == folded);
        stories.push(Story { escalation: folded, history });
    }
    let detail = format!("{size} entries, without gaps; every state is the fold of its history");
    found.look("ledger", gapless && agree, true, &detail);
    Ok(stories)
}

fn fyi(found: &mut Found, story: Option<&Story>) {
    let noted = story.is_some_and(|story| {
        story.escalation.settled().is_some_and(|settled| settled.outcome == Outcome::Noted)
    });
    found.look("fyi", true, noted, "people were told, and nothing waited");
}

fn soft(found: &mut Found, work: &Path, story: Option<&Story>) -> anyhow::Result<()> {
    let repository = Repository { folder: work.join("shop") };
    let format = ["log", "--merges", "--format=%ct %P", "main"];
    let merges = repository.git(&format)?;
    let began = story.is_some_and(Story::began);
    let Some(merge) = merges.lines().next() else {
        let detail = story.map_or("nothing was asked".into(), ending);
        found.look("soft", !story.is_some_and(Story::succeeded), false, &detail);
        return Ok(());
    };
    let head = repository.head(BRANCH)?;
    let of_branch = merges.lines().count() == 1 && merge.split(' ').nth(2) == Some(head.as_str());
    let committed: i64 = merge.split(' ').next().unwrap_or_default().parse()?;
    let after_grant = story
        .and_then(|story| story.when("granted"))
        .is_some_and(|granted| committed >= granted.as_second());
    let silence =
        story.and_then(|story| story.escalation.settled()?.granted.as_ref()?.grant.silence());
    let heard = silence.is_some_and(|(heard, window)| heard >= window)
        && story.is_some_and(|story| story.count("delivered") == 1);
    let by_people = story.is_some_and(|story| story.basis() == Some(Basis::Decision));
    let detail = match silence {
        Some((heard, window)) => {
            let heard = heard.as_secs_f64();
            format!("merged once, after {heard:.1} s in hearing ({window} asked) without a veto")
        }
        None => "merged once, after people approved".into(),
    };
    let lawful = of_branch && after_grant && began && (heard || by_people);
    let complete = heard && story.is_some_and(Story::succeeded);
    found.look("soft", lawful, complete, &detail);
    Ok(())
}

fn hard(found: &mut Found, work: &Path, reviewer: &ReviewerName, story: Option<&Story>) {
    let gone = !work.join(RECORDS).exists();
    if !gone {
        let detail = story.map_or("nothing was asked".into(), ending);
        found.look("hard", true, false, &format!("{RECORDS} is still there: {detail}"));
        return;
    }
    let by_reviewer = story
        .and_then(|story| story.escalation.settled()?.granted.as_ref())
        .is_some_and(|granted| granted.grant.by().contains(reviewer));
    let lawful = by_reviewer
        && story.is_some_and(|story| story.basis() == Some(Basis::Decision) && story.began());
    let complete = story.is_some_and(Story::succeeded);
    found.look("hard", lawful, complete, &format!("{RECORDS} is gone, after {reviewer} approved"));
}

fn ending(story: &Story) -> String {
    match story.escalation.settled() {
        None => "it is still open".into(),
        Some(settled) => match settled.permit() {
            Some(PermitState::Issued { .. }) => "granted, and never redeemed".into(),
            _ => settled.outcome.word().to_owned(),
        },
    }
}
