//! The demo's agent: a process of its own that knows the server by its address and a key, and does
//! real work. No model in it; everything else is as it would be.
//!
//! It never stops to wait: what needs a say-so is a handle that it looks at between two pieces of
//! work.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sayso_client::Client;
use sayso_client::wire::{Action, Escalation, Propose, Report};
use serde_json::{Map, Value, json};

use super::repository::{BRANCH, RECORDS, Repository};
use crate::cli::Common;
use crate::exit::Exit;

/// The environment variable that names the folder to work in.
pub(crate) const FOLDER: &str = "SAYSO_DEMO_FOLDER";
/// The folder with the repository.
const REPOSITORY: &str = "shop";
/// The branch of the task that the agent does meanwhile.
const NEXT: &str = "task/test-amounts";

/// How long a piece of work takes, so that a person can follow.
const PACE: Duration = Duration::from_millis(700);
/// How long the agent looks at a handle while there is other work, and while there is none.
const GLANCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(5);
/// How long the deletion waits for the merge to be out of the way.
const MERGE_FIRST: Duration = Duration::from_secs(45);

/// A piece of the task that is done meanwhile.
type Piece = (&'static str, &'static str, &'static str);

const PIECES: [Piece; 3] = [
    (
        "Test that bad amounts are left out",
        "test_amounts.sh",
        include_str!("project/next/test_amounts.sh"),
    ),
    ("Say what the programs are for", "README.md", include_str!("project/next/README.md")),
    ("Begin a changelog", "CHANGELOG.md", include_str!("project/next/CHANGELOG.md")),
];

/// Works until everything is done or dropped.
pub(crate) fn run(common: &Common) -> anyhow::Result<Exit> {
    let folder = std::env::var_os(FOLDER).context("only `sayso demo` starts this")?;
    let folder = PathBuf::from(folder);
    let agent = Agent { client: common.client()?, folder };
    let repository = agent.make_project()?;
    Agent::refactor(&repository)?;
    agent.tell(&format!("The log is refactored on {BRANCH}; its tests pass."))?;
    let merge = agent.propose_merge(&repository)?;
    agent.go_on(&repository, merge)?;
    say("All done.");
    Ok(Exit::Done)
}

fn say(what: &str) {
    println!("{what}");
}

fn work() {
    std::thread::sleep(PACE);
}

struct Agent {
    client: Client,
    folder: PathBuf,
}

impl Agent {
    fn make_project(&self) -> anyhow::Result<Repository> {
        let records = self.folder.join(RECORDS);
        std::fs::create_dir_all(&records)?;
        for month in 1..=12 {
            let name = format!("customers-2022-{month:02}.csv");
            std::fs::write(records.join(name), "name;street\nada;1 Loom Lane\n")?;
        }
        let repository = Repository::init(&self.folder.join(REPOSITORY))?;
        repository.commit(
            "Read orders and report on them",
            &[
                ("log.sh", include_str!("project/before/log.sh")),
                ("import.sh", include_str!("project/before/import.sh")),
                ("report.sh", include_str!("project/before/report.sh")),
                ("test.sh", include_str!("project/before/test.sh")),
            ],
        )?;
        say("Task 1: refactor the logging. Everybody here logs in their own way.");
        Ok(repository)
    }

    fn refactor(repository: &Repository) -> anyhow::Result<()> {
        repository.git(&["checkout", "--quiet", "-b", BRANCH])?;
        let steps: [Piece; 4] = [
            (
                "Give the log one format and two levels",
                "log.sh",
                include_str!("project/after/log_with_old_name.sh"),
            ),
            ("Let import log through it", "import.sh", include_str!("project/after/import.sh")),
            ("Let report log through it", "report.sh", include_str!("project/after/report.sh")),
            ("Drop the old name that nobody uses", "log.sh", include_str!("project/after/log.sh")),
        ];
        for (message, file, text) in steps {
            work();
            repository.commit(message, &[(file, text)])?;
            repository.test("test.sh")?;
            say(&format!("Committed “{message}”; the tests pass."));
        }
        Ok(())
    }

    fn propose(
        &self,
        tool: &str,
        arguments: Value,
        message: &str,
        context: Option<Value>,
    ) -> anyhow::Result<Escalation> {
        let Value::Object(arguments) = arguments else { bail!("arguments are an object") };
        let action = Action { tool: tool.into(), arguments, resource: None, precondition: None };
        let propose = Propose {
            action: Some(action),
            message: message.into(),
            context,
            ..Propose::default()
        };
        Ok(self.client.propose(&propose, None, Duration::ZERO)?)
    }

    fn tell(&self, text: &str) -> anyhow::Result<()> {
        self.propose("tell_people", json!({"text": text}), text, None).map(|_| ())
    }

    fn propose_merge(&self, repository: &Repository) -> anyhow::Result<Escalation> {
        let head = repository.head(BRANCH)?;
        let diff = repository.git(&["diff", &format!("main...{BRANCH}")])?;
        let arguments = json!({"branch": BRANCH, "into": "main", "head": head});
        let message = "One way to log instead of three. The tests passed after each commit.";
        self.propose("git_merge", arguments, message, Some(json!({"diff": diff})))
    }

    fn propose_deletion(&self) -> anyhow::Result<Escalation> {
        let message = "Nothing reads these records any more. Deleting can't be undone.";
        self.propose("delete_directory", json!({"path": RECORDS}), message, None)
    }

    /// Does the next task, and in between whatever has got its say-so.
    fn go_on(&self, repository: &Repository, merge: Escalation) -> anyhow::Result<()> {
        say("The merge needs a say-so. I don't wait for it: task 2, test the amounts.");
        let beside = repository.beside(&self.folder.join("task"), NEXT)?;
        let proposed = Instant::now();
        let mut pieces = VecDeque::from(PIECES);
        let mut open = vec![merge];
        let mut asked_to_delete = false;
        while !open.is_empty() || !pieces.is_empty() || !asked_to_delete {
            // The last piece is left for the time in which the deletion waits.
            if pieces.len() > usize::from(!asked_to_delete)
                && let Some((message, file, text)) = pieces.pop_front()
            {
                work();
                beside.commit(message, &[(file, text)])?;
                beside.test("test_amounts.sh")?;
                say(&format!("Meanwhile committed “{message}” on {NEXT}."));
            }
            let patience = if pieces.is_empty() && open.len() == 1 { LOOK } else { GLANCE };
            open = self.look(repository, open, patience)?;
            let merge_is_out_of_the_way = open.iter().all(|waiting| waiting.tier == "hard");
            if !asked_to_delete && (merge_is_out_of_the_way || proposed.elapsed() > MERGE_FIRST) {
                say(&format!("Task 3: clean up. {RECORDS} can go, if a person says so."));
                open.push(self.propose_deletion()?);
                asked_to_delete = true;
            }
        }
        Ok(())
    }

    /// Looks at every handle; what is settled is done or dropped.
    fn look(
        &self,
        repository: &Repository,
        open: Vec<Escalation>,
        patience: Duration,
    ) -> anyhow::Result<Vec<Escalation>> {
        let mut waiting = Vec::new();
        for handle in open {
            let now = self.client.get(&handle.id, patience)?;
            match now.outcome.as_deref() {
                None => waiting.push(now),
                Some("granted") => self.carry_out(repository, &now)?,
                Some(outcome) => {
                    let tool = now.action.as_ref().map_or("it", |action| &action.tool);
                    say(&format!("{tool} was {outcome}: {} I drop it.", now.reason));
                }
            }
        }
        Ok(waiting)
    }

    /// Redeems the permit and does exactly what it gives; then says what came of it.
    fn carry_out(&self, repository: &Repository, granted: &Escalation) -> anyhow::Result<()> {
        let permit = granted.permit.as_deref().context("a grant has a permit")?;
        let redeemed = self.client.redeem(permit)?;
        let done = match redeemed.action.tool.as_str() {
            "git_merge" => merge(repository, &redeemed.action.arguments),
            "delete_directory" => delete(&self.folder, &redeemed.action.arguments),
            other => Err(anyhow::anyhow!("there is no tool {other}")),
        };
        let (result, comment) = match &done {
            Ok(what) => ("succeeded", what.clone()),
            Err(error) => ("failed", error.to_string()),
        };
        say(&comment);
        let report = Report { result: result.into(), comment: Some(comment), ..Report::default() };
        self.client.report(&redeemed.permit_id, &report)?;
        Ok(())
    }
}

fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> anyhow::Result<&'a str> {
    arguments.get(name).and_then(Value::as_str).with_context(|| format!("{name} must be a text"))
}

/// Merges the very commit that was approved.
fn merge(repository: &Repository, arguments: &Map<String, Value>) -> anyhow::Result<String> {
    let (branch, into) = (text(arguments, "branch")?, text(arguments, "into")?);
    let head = text(arguments, "head")?;
    if repository.head(branch)? != head {
        bail!("{branch} has moved on since it was approved");
    }
    repository.git(&["checkout", "--quiet", into, "--"])?;
    let message = format!("Merge {branch} into {into}");
    repository.git(&["merge", "--quiet", "--no-ff", "-m", &message, head])?;
    repository.test("test.sh")?;
    Ok(format!("Merged {branch} into {into}; the tests pass."))
}

/// Deletes a directory right in the work folder, and none that is elsewhere.
fn delete(folder: &Path, arguments: &Map<String, Value>) -> anyhow::Result<String> {
    let path = Path::new(text(arguments, "path")?);
    let parts: Vec<_> = path.components().collect();
    if !matches!(parts.as_slice(), [Component::Normal(_)]) {
        bail!("{} is not right in the work folder", path.display());
    }
    std::fs::remove_dir_all(folder.join(path))
        .with_context(|| format!("can't delete {}", path.display()))?;
    Ok(format!("Deleted {}.", path.display()))
}
