//! Steps 1 to 3: who signed the heads, whether the entries lead to the newest, and whether the
//! others are beginnings of it.

use std::collections::BTreeMap;

use sayso_core::Digest;

use super::report::{Findings, Place, Step};
use crate::checkpoint::Checkpoint;
use crate::note::Note;
use crate::tree::empty_root;
use crate::trust::{Distrusted, Trust};

/// A head other than the newest, and where it is from.
#[derive(Clone, Debug)]
pub struct KnownHead {
    /// Where it is from, in a word or two: a file's name.
    pub from: String,
    /// A signed note; or, if the auditor vouches for it, the three lines of a checkpoint.
    pub text: String,
    /// Whether the auditor had it from elsewhere than the log.
    pub kept: bool,
}

/// A head other than the newest, as it was read.
#[derive(Debug)]
struct Other {
    from: String,
    head: Checkpoint,
    /// Whether the trust file has no key of its log. Then only the auditor vouches for it, and only
    /// if that log has ended.
    keyless: bool,
}

/// The heads at hand, and the roots that the entries lead to at their sizes.
#[derive(Debug, Default)]
pub(super) struct Heads {
    newest: Option<Checkpoint>,
    others: Vec<Other>,
    /// The root at each size that some head speaks of, once the entries have come so far.
    roots: BTreeMap<u64, Option<Digest>>,
    /// Logs that ended, each with the entry that says so.
    ended: Vec<(String, u64)>,
}

impl Heads {
    pub(super) fn read(
        newest: Option<&str>,
        others: &[KnownHead],
        trust: Option<&Trust>,
        found: &mut Findings,
    ) -> Self {
        let mut heads = Self::default();
        match newest {
            Some(note) => heads.newest = read_newest(note, others, trust, found),
            None => found.wonder(Step::Heads, Place::default(), "there is no signed head at hand"),
        }
        for head in others {
            found.looked(Step::Heads);
            match read_other(head, trust) {
                Ok(other) => heads.others.push(other),
                Err(why) => {
                    let says = format!("the head {}: {why}", head.from);
                    found.refute(Step::Heads, Place::default(), says);
                }
            }
        }
        let sizes = heads.newest.iter().chain(heads.others.iter().map(|other| &other.head));
        heads.roots = sizes.map(|head| (head.size, None)).collect();
        heads.reached(0, empty_root);
        heads
    }

    /// The entries have come to `size`, over which the root is `root`.
    pub(super) fn reached(&mut self, size: u64, root: impl FnOnce() -> Digest) {
        if let Some(known) = self.roots.get_mut(&size) {
            *known = Some(root());
        }
    }

    /// That entry says that a log ended there, and this one goes on in its place.
    pub(super) fn ended(&mut self, log: String, index: u64) {
        self.ended.push((log, index));
    }

    /// Says what came of it, `size` entries having been read.
    pub(super) fn finish(self, size: u64, found: &mut Findings) {
        let place = Place::default();
        if let Some(newest) = &self.newest {
            found.looked(Step::Tree);
            match self.roots.get(&newest.size).copied().flatten() {
                None => {
                    let says = format!(
                        "the newest head says {} entries, of which {size} are there",
                        newest.size
                    );
                    found.refute(Step::Tree, place, says);
                }
                Some(root) if root != newest.root => {
                    let says = format!(
                        "the first {} entries lead to another root than the newest head's",
                        newest.size
                    );
                    found.refute(Step::Tree, place, says);
                }
                Some(_) if size > newest.size => {
                    let says = format!(
                        "{} entries after the newest head are under no head",
                        size - newest.size
                    );
                    found.wonder(Step::Tree, Place::entry(newest.size), says);
                }
                Some(_) => {}
            }
        } else {
            found.wonder(Step::Tree, place, "there is no head to compare the entries with");
        }
        for Other { from, head, keyless } in &self.others {
            found.looked(Step::Consistency);
            let Checkpoint { origin, size: of, root } = head;
            let ended = self.ended.iter().find(|(log, _)| log == origin).map(|(_, index)| *index);
            if *keyless && ended.is_none() {
                let says =
                    format!("the head {from}: the trust file has no key of the log {origin}");
                found.refute(Step::Heads, place, says);
                continue;
            }
            let is_other = self.newest.as_ref().is_some_and(|newest| newest.origin != *origin);
            if is_other && ended.is_none() {
                let says = format!("the head {from} is of another log: {origin}");
                found.refute(Step::Consistency, place, says);
                continue;
            }
            let says = match (self.roots.get(of).copied().flatten(), ended) {
                (Some(reached), _) if reached == *root => continue,
                (_, Some(end)) if end < *of => {
                    let says = format!(
                        "the head {from} says {of} entries of the log {origin}, which ended at \
                         entry {end} when a backup was restored: what it knew after that is not in \
                         this one, {} entries are gone, and it can't tell whether those before are \
                         the same",
                        of - end
                    );
                    found.wonder(Step::Consistency, Place::entry(end), says);
                    continue;
                }
                (None, _) => {
                    format!("the head {from} says {of} entries, of which {size} are there")
                }
                (Some(_), _) => format!(
                    "the first {of} entries lead to another root than the head {from}: the log was \
                     rewritten, or somebody was shown another"
                ),
            };
            found.refute(Step::Consistency, place, says);
        }
    }
}

fn read_newest(
    note: &str,
    others: &[KnownHead],
    trust: Option<&Trust>,
    found: &mut Findings,
) -> Option<Checkpoint> {
    found.looked(Step::Heads);
    let place = Place::default();
    if let Some(trust) = trust {
        let cosigned = others.iter().filter_map(|other| trust.head(&other.text).ok());
        match (trust.head(note), cosigned.max_by_key(|head| head.size)) {
            // Witnesses come a little later than the log's own signature.
            (Ok(head), _) | (Err(Distrusted::Quorum(_)), Some(head)) => return Some(head),
            (Err(why), _) => found.refute(Step::Heads, place, format!("the newest head: {why}")),
        }
    }
    // Whoever signed it, what it says is compared with the entries.
    let checkpoint = note.parse::<Note>().ok().and_then(|note| note.text().parse().ok());
    match (trust, &checkpoint) {
        (None, Some(Checkpoint { origin, .. })) => {
            let says =
                format!("whose key signed the head of {origin} can't be told without a trust file");
            found.wonder(Step::Heads, place, says);
        }
        (None, None) => found.refute(Step::Heads, place, "the newest head is no signed checkpoint"),
        (Some(_), _) => {}
    }
    checkpoint
}

fn read_other(known: &KnownHead, trust: Option<&Trust>) -> Result<Other, String> {
    let KnownHead { from, text, kept } = known;
    let (from, read) =
        (from.clone(), |text: &str| text.parse::<Checkpoint>().map_err(|bad| bad.to_string()));
    let note = match text.parse::<Note>() {
        Ok(note) => note,
        Err(bad) if !kept => return Err(bad.to_string()),
        // Three lines that the auditor wrote down, or had in a message.
        Err(_) => {
            let head = read(&format!("{}\n", text.trim_end()))?;
            return Ok(Other { from, head, keyless: false });
        }
    };
    let head = read(note.text())?;
    let Some(trust) = trust else { return Ok(Other { from, head, keyless: false }) };
    match trust.logs().iter().find(|key| key.name() == head.origin) {
        Some(key) => {
            key.check(&note).map_err(|bad| bad.to_string())?;
            Ok(Other { from, head, keyless: false })
        }
        // A log that has ended may have left the trust file.
        None if *kept => Ok(Other { from, head, keyless: true }),
        None => Err(format!("the trust file has no key of the log {}", head.origin)),
    }
}
