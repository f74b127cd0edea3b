//! Where a ledger is read from: an exported folder, a database, or a server.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use sayso_client::{Client, ClientError, wire};
use sayso_ledger::tile::{Kind, Tile, WIDTH, unbundle};
use sayso_ledger::verify::{Body, KnownHead};
use sayso_store::Store;
use sayso_store::sqlite::Access;

use super::folder::{BodyLine, Folder};
use crate::cli::Common;
use crate::serve::HEAD_FILE;

/// How many entries are read at once.
const BATCH: usize = 1_024;

/// An entry of the log, and its body, as far as that is there.
pub(super) struct Logged {
    pub(super) bytes: Vec<u8>,
    pub(super) body: Option<Body>,
}

/// A ledger that is read from its first entry to its last.
pub(super) enum Source {
    Folder(Folder),
    Database {
        store: Arc<dyn Store>,
        next: u64,
        /// The head that is kept outside of it.
        outside: Option<KnownHead>,
    },
    Server {
        client: Client,
        next: u64,
        size: u64,
    },
}

impl Source {
    /// The folder, if one is given; the server, if its address is; else the database.
    pub(super) async fn open(common: &Common, folder: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = folder {
            return Ok(Self::Folder(Folder::open(folder)?));
        }
        if common.url.is_some() && common.database.is_none() && common.data.is_none() {
            return Ok(Self::Server { client: common.client()?, next: 0, size: 0 });
        }
        let store = common.store(Access::Read).await?;
        let outside = match common.database {
            Some(_) => None,
            None => std::fs::read_to_string(common.folder()?.join(HEAD_FILE)).ok(),
        };
        let outside = outside.map(|text| KnownHead { from: HEAD_FILE.into(), text, kept: false });
        Ok(Self::Database { store, next: 0, outside })
    }

    /// The newest head, and others.
    pub(super) async fn heads(&mut self) -> anyhow::Result<(Option<String>, Vec<KnownHead>)> {
        match self {
            Self::Folder(folder) => folder.heads(),
            Self::Database { store, outside, .. } => {
                let sealed = store.sealed().await?;
                let others = sealed.cosigned.map(cosigned_head).into_iter().chain(outside.clone());
                Ok((Some(sealed.note).filter(|note| !note.is_empty()), others.collect()))
            }
            Self::Server { client, size, .. } => {
                let note = client.text("/v1/ledger/checkpoint")?;
                let second = note.lines().nth(1).and_then(|line| line.parse().ok());
                *size = second.context("the server's checkpoint names no size")?;
                let cosigned = match client.text("/v1/ledger/checkpoint/cosigned") {
                    Ok(note) => Some(note),
                    Err(ClientError::Refused(problem)) if problem.status == 404 => None,
                    Err(error) => return Err(error.into()),
                };
                Ok((Some(note), cosigned.map(cosigned_head).into_iter().collect()))
            }
        }
    }

    /// The next entries; none at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Logged>>> {
        match self {
            Self::Folder(folder) => folder.next(),
            Self::Database { store, next, .. } => {
                let entries = store.raw_entries(*next + 1, BATCH).await?;
                if entries.is_empty() {
                    return Ok(None);
                }
                let bodies = store.bodies(*next + 1, entries.len()).await?;
                let mut bodies = bodies.into_iter().peekable();
                let mut logged = Vec::with_capacity(entries.len());
                for entry in entries {
                    *next += 1;
                    let body = bodies.next_if(|(seq, _)| seq == next);
                    let body = body
                        .map(|(_, body)| Body { salt: body.salt.to_vec(), content: body.content });
                    logged.push(Logged { bytes: entry.bytes, body });
                }
                Ok(Some(logged))
            }
            Self::Server { client, next, size } => server(client, next, *size),
        }
    }

    /// The log's name.
    pub(super) async fn origin(&mut self) -> anyhow::Result<String> {
        let (note, _) = self.heads().await?;
        let origin = note.as_deref().and_then(|note| note.lines().next());
        Ok(origin.unwrap_or("unsigned").to_owned())
    }
}

fn cosigned_head(text: String) -> KnownHead {
    KnownHead { from: "cosigned".into(), text, kept: false }
}

/// The next bundle of a server's log that is `size` entries long, and its bodies.
fn server(client: &Client, next: &mut u64, size: u64) -> anyhow::Result<Option<Vec<Logged>>> {
    if *next >= size {
        return Ok(None);
    }
    let (index, first) = (*next / WIDTH, *next);
    let width = u16::try_from((size - index * WIDTH).min(WIDTH))?;
    let tile = Tile { kind: Kind::Entries, index, width };
    let bytes = client.bytes(&format!("/v1/ledger/{tile}"))?;
    let entries = unbundle(&bytes)?;
    let path = format!("/v1/ledger/bodies?from={first}&limit={width}");
    let bodies: wire::Bodies = client.fetch(&path)?;
    let mut bodies = bodies.items.into_iter().peekable();
    let mut logged = Vec::with_capacity(entries.len());
    for entry in entries {
        let body = bodies.next_if(|body| body.index == *next);
        let body = body.map(|body| {
            let wire::Body { index, salt, content } = body;
            BodyLine { index, salt, content }.body()
        });
        logged.push(Logged { bytes: entry.to_vec(), body: body.transpose()? });
        *next += 1;
    }
    Ok(Some(logged))
}
