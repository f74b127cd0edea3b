//! `sayso ledger`: verify a log, export it, erase texts from it.

mod folder;
mod jsonl;
mod ocsf;
mod source;
mod tiles;

use std::path::Path;

use anyhow::{Context, bail};
use sayso_core::signature::PersonKey;
use sayso_ledger::trust::Trust;
use sayso_ledger::verify::{Auditor, Evidence, KnownHead, KnownKeys, Report, StepReport, Verdict};
use serde_json::json;

use crate::cli::{Common, ExportLedger, Format, LedgerCommand, VerifyLedger};
use crate::connect::resolve;
use crate::exit::Exit;
use crate::output::{
    BAD, BOLD, CAREFUL, DIM, GOOD, headline, json as print_json, on_terminal, say, styled,
};
use crate::serve::block_on;
use crate::text;
use source::Source;

pub(crate) fn run(common: &Common, command: &LedgerCommand) -> anyhow::Result<Exit> {
    match command {
        LedgerCommand::Verify(wanted) => verify(common, wanted),
        LedgerCommand::Export(wanted) => export(common, wanted),
        LedgerCommand::Erase { id, yes } => erase(common, id, *yes),
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))
}

fn verify(common: &Common, wanted: &VerifyLedger) -> anyhow::Result<Exit> {
    let trust = wanted.trust.as_deref().map(trusted).transpose()?;
    let organisation = wanted.organisation.as_deref().map(ssh_key).transpose()?;
    let keys = KnownKeys { organisation, pinned: wanted.pins.clone() };
    let report = block_on(async {
        let mut source = Source::open(common, wanted.folder.as_deref()).await?;
        let (head, mut heads) = source.heads().await?;
        for file in &wanted.heads {
            let (from, text) = (file.display().to_string(), read(file)?);
            heads.push(KnownHead { from, text, kept: true });
        }
        let mut auditor = Auditor::new(&Evidence { head, heads, trust, keys });
        while let Some(entries) = source.next().await? {
            for entry in entries {
                auditor.entry(&entry.bytes, entry.body);
            }
        }
        Ok(auditor.finish())
    })?;
    if common.json {
        print_json(&report)?;
    } else {
        show(&report);
    }
    Ok(match report.verdict {
        Verdict::Verified => Exit::Done,
        Verdict::Redacted | Verdict::Undecidable => Exit::Undecided,
        Verdict::Refuted => Exit::Refused,
    })
}

fn trusted(file: &Path) -> anyhow::Result<Trust> {
    let parsed = Trust::parse(&read(file)?);
    parsed.with_context(|| format!("{} is no trust file", file.display()))
}

fn ssh_key(file: &Path) -> anyhow::Result<PersonKey> {
    let key = read(file)?.parse();
    key.map(PersonKey::Ssh).with_context(|| format!("{} is no SSH public key", file.display()))
}

fn show(report: &Report) {
    let Report { verdict, entries, root, steps, not_proved } = report;
    say!("{} entries, root {}\n", entries, styled(DIM, root));
    for step in steps {
        show_step(step);
        show_notes(step);
    }
    say!("\nNot proved, by any log:");
    for what in not_proved {
        say!("  {} {what}", styled(DIM, "·"));
    }
    say!("\n{}", word(*verdict));
}

fn show_step(step: &StepReport) {
    let StepReport { step, verdict, checked, refuted, undecidable, redacted, findings, .. } = step;
    let nothing = *checked == 0 && *verdict == Verdict::Verified;
    let mark = if nothing { styled(DIM, format_args!("{:11}", "–")) } else { word(*verdict) };
    say!("{mark} {step:11} {checked:>8} {}", step.claim());
    for finding in findings {
        say!("            {} {}", word(finding.verdict), text::line(&finding.to_string()));
    }
    let more = refuted + undecidable + redacted - findings.len() as u64;
    if more > 0 {
        say!("            {}", styled(DIM, format_args!("and {more} more like these")));
    }
}

fn show_notes(step: &StepReport) {
    let StepReport { noted, notes, .. } = step;
    for note in notes {
        say!(
            "            {} entry {}: {}",
            styled(BOLD, "noted"),
            note.index,
            text::line(&note.says)
        );
    }
    let more = noted - notes.len() as u64;
    if more > 0 {
        say!("            {}", styled(DIM, format_args!("and {more} more notes like these")));
    }
}

fn word(verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Verified => GOOD.bold(),
        Verdict::Redacted => BOLD,
        Verdict::Undecidable => CAREFUL.bold(),
        Verdict::Refuted => BAD.bold(),
    };
    styled(style, format_args!("{:11}", verdict.word()))
}

fn export(common: &Common, wanted: &ExportLedger) -> anyhow::Result<Exit> {
    let ExportLedger { folder, format, from, to } = wanted;
    if *format == Format::Tiles && (from.is_some() || to.is_some()) {
        bail!("`--from` and `--to` are for the other formats: tiles are of the whole log");
    }
    let range = from.unwrap_or(0)..to.unwrap_or(u64::MAX);
    let written = block_on(async {
        let mut source = Source::open(common, None).await?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't make {}", folder.display()))?;
        match format {
            Format::Tiles => tiles::write(&mut source, folder).await,
            Format::Jsonl => jsonl::write(&mut source, folder, range).await,
            Format::Cloudevents => jsonl::write_cloudevents(&mut source, folder, range).await,
            Format::Ocsf => ocsf::write(&mut source, folder, range).await,
        }
    })?;
    if common.json {
        print_json(&json!({"entries": written.entries, "path": written.path}))?;
    } else {
        say!("{} entries in {}", written.entries, written.path.display());
    }
    Ok(Exit::Done)
}

fn erase(common: &Common, id: &str, yes: bool) -> anyhow::Result<Exit> {
    let client = common.client()?;
    let escalation = resolve(&client, id)?;
    if !yes {
        if !on_terminal() {
            bail!("texts that are erased are gone for good; say --yes");
        }
        say!("{}\n\nErase its texts for good? [y/N]", headline(&escalation));
        let mut said = String::new();
        std::io::stdin().read_line(&mut said)?;
        if !said.trim().eq_ignore_ascii_case("y") {
            return Ok(Exit::Refused);
        }
    }
    let erased = client.erase(&escalation.id)?;
    if common.json {
        print_json(&erased)?;
    } else {
        say!("{} texts erased; the ledger keeps their hashes", erased.texts);
    }
    Ok(Exit::Done)
}

/// What an export has written, and where.
struct Written {
    entries: u64,
    path: std::path::PathBuf,
}
