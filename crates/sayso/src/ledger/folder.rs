//! An exported folder: C2SP tiles, `bodies.jsonl`, and older heads in `heads/`.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Lines};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sayso_ledger::tile::{Kind, Tile, place, unbundle};
use sayso_ledger::verify::{Body, KnownHead};
use serde::{Deserialize, Serialize};

use super::source::Logged;

/// The newest head's file.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// Where the bodies are.
pub(super) const BODIES: &str = "bodies.jsonl";
/// Where older heads are.
pub(super) const HEADS: &str = "heads";

/// A body, as a line of `bodies.jsonl` has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyLine {
    pub(super) index: u64,
    pub(super) salt: String,
    pub(super) content: String,
}

impl BodyLine {
    pub(super) fn new(index: u64, body: &Body) -> anyhow::Result<Self> {
        let content = String::from_utf8(body.content.clone())
            .with_context(|| format!("the body of entry {index} is no text"))?;
        Ok(Self { index, salt: hex::encode(&body.salt), content })
    }

    pub(super) fn body(self) -> anyhow::Result<Body> {
        let salt = hex::decode(&self.salt)
            .with_context(|| format!("the salt of body {} is not hexadecimal", self.index))?;
        Ok(Body { salt, content: self.content.into_bytes() })
    }
}

/// A folder that is being read.
pub(super) struct Folder {
    path: PathBuf,
    bundle: u64,
    index: u64,
    bodies: Option<Lines<BufReader<File>>>,
    next: Option<BodyLine>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.join("tile").is_dir() {
            bail!(
                "{} is no exported ledger: it has no folder `tile` (`sayso ledger export` writes \
                 one)",
                path.display()
            );
        }
        let bodies = match File::open(path.join(BODIES)) {
            Ok(file) => Some(BufReader::new(file).lines()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("can't read {BODIES}")),
        };
        let mut folder = Self { path: path.to_owned(), bundle: 0, index: 0, bodies, next: None };
        folder.next = folder.next_body()?;
        Ok(folder)
    }

    /// The newest head, and the older ones.
    pub(super) fn heads(&self) -> anyhow::Result<(Option<String>, Vec<KnownHead>)> {
        let head = absent_or(std::fs::read_to_string(self.path.join(CHECKPOINT)))?;
        let mut older = Vec::new();
        let Some(files) = absent_or(std::fs::read_dir(self.path.join(HEADS)))? else {
            return Ok((head, older));
        };
        for file in files {
            let file = file?.path();
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("can't read {}", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            older.push(KnownHead { from: format!("{HEADS}/{name}"), text, kept: false });
        }
        older.sort_by(|one, other| one.from.cmp(&other.from));
        Ok((head, older))
    }

    /// The next bundle of entries.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Vec<Logged>>> {
        let Some(bytes) = self.bundle()? else {
            if let Some(BodyLine { index, .. }) = self.next {
                bail!("{BODIES} has a body of entry {index}, which is not there");
            }
            return Ok(None);
        };
        let entries = unbundle(&bytes)
            .with_context(|| format!("the {}. bundle of entries", self.bundle + 1))?;
        let mut logged = Vec::with_capacity(entries.len());
        for entry in entries {
            let body = match self.next.take_if(|line| line.index == self.index) {
                Some(line) => {
                    self.next = self.next_body()?;
                    Some(line.body()?)
                }
                None => None,
            };
            logged.push(Logged { bytes: entry.to_vec(), body });
            self.index += 1;
        }
        self.bundle += 1;
        Ok(Some(logged))
    }

    /// The bytes of the next bundle: the full one, or the widest of the partial ones.
    fn bundle(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let full = Tile { kind: Kind::Entries, index: self.bundle, width: 256 };
        if let Some(bytes) = absent_or(std::fs::read(self.path.join(full.to_string())))? {
            return Ok(Some(bytes));
        }
        let partial = self.path.join(format!("tile/entries/{}.p", place(self.bundle)));
        let Some(files) = absent_or(std::fs::read_dir(&partial))? else { return Ok(None) };
        let mut widest: Option<u16> = None;
        for file in files {
            let width = file?.file_name().to_string_lossy().parse().ok();
            widest = widest.max(width);
        }
        let Some(width) = widest else { return Ok(None) };
        absent_or(std::fs::read(partial.join(width.to_string())))
    }

    fn next_body(&mut self) -> anyhow::Result<Option<BodyLine>> {
        let Some(line) = self.bodies.as_mut().and_then(Iterator::next) else { return Ok(None) };
        let line: BodyLine = serde_json::from_str(&line?)
            .with_context(|| format!("a line of {BODIES} is no body"))?;
        if line.index < self.index {
            bail!("{BODIES} is not in order of index: {} comes too late", line.index);
        }
        Ok(Some(line))
    }
}

fn absent_or<T>(read: std::io::Result<T>) -> anyhow::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("the folder can't be read"),
    }
}
