//! Where the data is, where the server is, and who is calling.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sayso_client::{Client, wire};
use sayso_core::confirmation::ConfirmationKey;
use sayso_store::Store;
use sayso_store::postgres::PostgresStore;
use sayso_store::sqlite::{Access, SqliteStore};

use crate::cli::{Common, USUAL_ADDRESS};

/// The file in the data folder that says where its server is reached.
const URL_FILE: &str = "url";
/// Names the file of the key that permits for this executor ask for besides its credential.
const CONFIRM_KEY: &str = "SAYSO_CONFIRM_KEY";
/// The workspace of a server that is not told otherwise.
pub(crate) const WORKSPACE: &str = "default";
/// The fewest digits that stand for an id.
const FEWEST_DIGITS: usize = 6;

impl Common {
    /// The data folder.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.data {
            return Ok(folder.clone());
        }
        let share = match std::env::var_os("XDG_DATA_HOME").filter(|home| !home.is_empty()) {
            Some(share) => PathBuf::from(share),
            None => match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
                Some(home) => PathBuf::from(home).join(".local/share"),
                None => bail!("there is no home folder; say where the data is with --data DIR"),
            },
        };
        Ok(share.join("sayso"))
    }

    /// The store itself, for a server or for the command line beside one.
    pub(crate) async fn store(&self, access: Access) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match &self.database {
            Some(url) => Arc::new(PostgresStore::open(url, WORKSPACE).await?),
            None => Arc::new(SqliteStore::open(&self.folder()?, WORKSPACE, access)?),
        })
    }

    /// Where the server on this data folder is reached.
    pub(crate) fn server_url(&self) -> String {
        let noted = || {
            let noted = std::fs::read_to_string(self.folder().ok()?.join(URL_FILE)).ok()?;
            Some(noted.trim().to_owned()).filter(|url| !url.is_empty())
        };
        self.url.clone().or_else(noted).unwrap_or_else(|| format!("http://{USUAL_ADDRESS}"))
    }

    /// A client with the caller's credential.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let Some(token) = &self.token else {
            bail!(
                "who are you? Set SAYSO_TOKEN to an agent's key or a person's token \
                 (`sayso agent add NAME`, `sayso reviewer add NAME`)"
            );
        };
        let client = Client::new(&self.server_url(), token);
        Ok(match std::env::var_os(CONFIRM_KEY).filter(|file| !file.is_empty()) {
            Some(file) => client.confirming(confirmation_key(Path::new(&file))?),
            None => client,
        })
    }
}

/// The executor's own key.
fn confirmation_key(file: &Path) -> anyhow::Result<ConfirmationKey> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("can't read the key that {CONFIRM_KEY} names, {}", file.display())
    })?;
    ConfirmationKey::parse(&text).with_context(|| format!("{}", file.display()))
}

/// Notes where the server on that folder is reached.
pub(crate) fn note_url(folder: &Path, url: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(folder.join(URL_FILE), format!("{url}\n")))
        .with_context(|| format!("can't note the server's address in {}", folder.display()))
}

/// The escalation that `id`, or the first digits of one, stands for.
pub(crate) fn resolve(client: &Client, id: &str) -> anyhow::Result<wire::Escalation> {
    if id.len() == 36 {
        return Ok(client.get(id, Duration::ZERO)?);
    }
    if id.len() < FEWEST_DIGITS {
        bail!("{id:?} is too short: give the id, or at least {FEWEST_DIGITS} digits of it");
    }
    // Ids begin with the time, so those of one day look alike at first: the end tells them apart
    // sooner, and either will do.
    let fits = |item: &wire::Escalation| item.id.starts_with(id) || item.id.ends_with(id);
    let mut found = Vec::new();
    for query in ["state=pending&limit=200", "state=settled&limit=200"] {
        found.extend(client.list(query)?.items.into_iter().filter(fits));
    }
    match found.len() {
        0 => bail!("there is no escalation {id} among the latest"),
        1 => Ok(found.remove(0)),
        several => bail!("{several} escalations fit {id}; give more digits"),
    }
}
