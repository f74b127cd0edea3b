//! The log as an auditor takes it home: C2SP tlog-tiles, and the bodies beside it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use sayso_ledger::Checkpoint;
use sayso_ledger::note::Note;
use sayso_ledger::tile::{Kind, Rim, Tile, WIDTH, bundle, encode};
use sayso_ledger::tree::leaf_hash;

use super::Written;
use super::folder::{BODIES, BodyLine, CHECKPOINT, HEADS};
use super::source::Source;

/// Writes all that the newest head covers into `folder`.
pub(super) async fn write(source: &mut Source, folder: &Path) -> anyhow::Result<Written> {
    let (note, others) = source.heads().await?;
    let note = note.context(
        "the log has no signed head yet: a server signs one as soon as it runs on this data",
    )?;
    let head = size_of(&note)?;
    let mut bodies = BufWriter::new(File::create(folder.join(BODIES))?);
    let mut rim = Rim::default();
    let mut entries = Vec::new();
    'all: while let Some(batch) = source.next().await? {
        for logged in batch {
            if rim.size() == head.size {
                break 'all;
            }
            if let Some(body) = &logged.body {
                let line = serde_json::to_string(&BodyLine::new(rim.size(), body)?)?;
                writeln!(bodies, "{line}")?;
            }
            bundle(&mut entries, &logged.bytes);
            let mut full = Vec::new();
            rim.push(leaf_hash(&logged.bytes), &mut full);
            for (tile, hashes) in full {
                put(folder, tile, &encode(&hashes))?;
            }
            if rim.size().is_multiple_of(WIDTH) {
                let index = rim.size() / WIDTH - 1;
                put(folder, Tile { kind: Kind::Entries, index, width: 256 }, &entries)?;
                entries.clear();
            }
        }
    }
    bodies.flush()?;
    if rim.size() < head.size {
        bail!("the head says {} entries, of which {} are there", head.size, rim.size());
    }
    for tile in Tile::all(head.size).into_iter().filter(|tile| u64::from(tile.width) < WIDTH) {
        match tile.kind {
            Kind::Entries => put(folder, tile, &entries)?,
            Kind::Hashes(level) => put(folder, tile, &encode(rim.level(level)))?,
        }
    }
    std::fs::create_dir_all(folder.join(HEADS))?;
    // The head of an earlier export into the same folder stays, to be compared with.
    let earlier = std::fs::read_to_string(folder.join(CHECKPOINT)).ok();
    for text in earlier.into_iter().chain(others.into_iter().map(|other| other.text)) {
        if text != note {
            std::fs::write(folder.join(HEADS).join(size_of(&text)?.size.to_string()), text)?;
        }
    }
    // Last, so that a head never speaks of what is not there yet.
    std::fs::write(folder.join(CHECKPOINT), note)?;
    Ok(Written { entries: head.size, path: folder.to_owned() })
}

fn size_of(note: &str) -> anyhow::Result<Checkpoint> {
    let note: Note = note.parse().context("the newest head")?;
    note.text().parse().context("the newest head")
}

fn put(folder: &Path, tile: Tile, bytes: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(tile.to_string());
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&path, bytes))
        .with_context(|| format!("can't write {}", path.display()))
}
