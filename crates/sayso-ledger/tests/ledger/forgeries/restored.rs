//! A backup that was restored with a person's word, and what is left of the log that ended.

use sayso_core::WorkspaceEvent;
use sayso_ledger::verify::{Report, Step, Verdict};
use sayso_ledger::{Checkpoint, SigningKey};
use serde_json::json;

use super::{Forged, refuted, undecidable};
use crate::story::Day;
use crate::vectors::Case;
use crate::world::{Row, World, log_key};

/// How many entries the backup has, and how many there were.
const BACKUP: usize = 6;

fn new_key() -> SigningKey {
    SigningKey::of_log(&[8; 32])
}

/// A log as it was, and the one that goes on from a backup of it.
struct Logs {
    ended: Vec<Row>,
    goes_on: Vec<Row>,
}

fn logs(forge: impl FnOnce(&mut Vec<Row>)) -> Logs {
    let mut world = World::new();
    let drop = world.propose("drop_table", json!({"table": "invoices"}));
    world.minutes(1);
    world.approve(drop, "ana");
    world.approve(drop, "bo");
    let ended = world.rows.clone();
    world.rows.truncate(BACKUP);
    world.minutes(5);
    let Checkpoint { origin, size, root } = Case::sealed(&ended).checkpoint();
    world.note(&WorkspaceEvent::BackupRestored { log: origin, size, root }, None);
    world.propose("post_message", json!({"text": "back again"}));
    let mut goes_on = world.rows;
    forge(&mut goes_on);
    Logs { ended, goes_on }
}

/// The log that goes on, before an auditor who knows both keys and kept a head of the one that
/// ended, over its first `size` entries.
fn kept(logs: &Logs, size: usize) -> Case {
    let mut case = Case::sealed(&logs.goes_on).seal_with(&new_key());
    case.trust += &format!("log {}\n", new_key().public());
    case.kept(&Case::sealed(&logs.ended[..size]).head)
}

pub(super) fn forged(_: &Day) -> Vec<Forged> {
    let honest = logs(|_| {});
    let rewritten = logs(|rows| rows[3].event["change"]["roles"] = json!(["auditor"]));
    let unsaid = logs(|rows| {
        rows.remove(BACKUP);
    });
    let all = honest.ended.len();
    let reused = {
        let mut world = World::new();
        let drop = world.propose("drop_table", json!({"table": "invoices"}));
        world.minutes(1);
        world.approve(drop, "ana");
        world.approve(drop, "bo");
        let Checkpoint { origin, size, root } = Case::sealed(&world.rows).checkpoint();
        world.note(&WorkspaceEvent::BackupRestored { log: origin, size, root }, None);
        world.redeem(drop);
        Case::sealed(&world.rows).seal_with(&new_key())
    };
    vec![
        undecidable(
            "backup-restored",
            "A backup was restored, as the ledger says; the head that an auditor kept is of what is gone.",
            Step::Consistency,
            kept(&honest, all),
        ),
        refuted(
            "backup-restored-and-rewritten",
            "A backup was restored, and what it had in common with the log that ended was changed.",
            Step::Consistency,
            kept(&rewritten, BACKUP - 1),
        ),
        refuted(
            "backup-restored-unsaid",
            "A log with another key goes on from a backup, and no entry says so.",
            Step::Consistency,
            kept(&unsaid, all),
        ),
        refuted(
            "backup-restored-and-its-permit-used",
            "A permit was used whose grant a restored backup holds; it may have been used before.",
            Step::Permits,
            reused,
        ),
    ]
}

fn told(report: &Report) -> (Vec<&str>, Vec<&str>) {
    let step = report.step(Step::Consistency);
    let findings = step.findings.iter().map(|finding| &*finding.says);
    (step.notes.iter().map(|note| &*note.says).collect(), findings.collect())
}

#[test]
fn a_restored_backup_is_told_as_that_and_a_head_of_what_is_gone_is_not_verified() {
    let logs = logs(|_| {});
    let (all, ended) = (logs.ended.len(), log_key().public().name().to_owned());
    let gone = all - BACKUP;
    let restored = format!(
        "the log {ended} ended here, at {all} entries: whoever runs the server let an older copy of \
         the data go on, under another key; {gone} entries are gone"
    );
    // A head of what both have is compared, and fits.
    let report = kept(&logs, BACKUP).verify();
    assert_eq!(told(&report), (vec![&*restored], vec![]));
    assert_eq!(report.verdict, Verdict::Verified);
    let report = kept(&logs, all).verify();
    let head = format!(
        "the head kept says {all} entries of the log {ended}, which ended at entry {BACKUP} when a \
         backup was restored: what it knew after that is not in this one, {gone} entries are gone, \
         and it can't tell whether those before are the same"
    );
    assert_eq!(told(&report), (vec![&*restored], vec![&*head]));
    assert_eq!(report.verdict, Verdict::Undecidable);
    let odd = report.steps.iter().filter(|step| step.verdict != Verdict::Verified);
    assert_eq!(odd.map(|step| step.step).collect::<Vec<_>>(), [Step::Consistency]);
}

#[test]
fn a_head_of_a_log_that_ended_needs_no_key_if_the_auditor_kept_it() {
    let logs = logs(|_| {});
    let mut case = kept(&logs, BACKUP);
    case.trust = format!("log {}\n", new_key().public());
    assert_eq!(case.verify().verdict, Verdict::Verified);
    // Of any other log, it does.
    let another = SigningKey::of_log(&[9; 32]);
    let mut case = kept(&logs, BACKUP);
    case.heads.clear();
    let case = case.kept(&Case::sealed(&logs.ended).seal_with(&another).head);
    let report = case.verify();
    let heads = report.step(Step::Heads);
    let says =
        format!("the head kept: the trust file has no key of the log {}", another.public().name());
    assert_eq!((heads.verdict, &*heads.findings[0].says), (Verdict::Refuted, &*says));
}
