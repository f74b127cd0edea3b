//! `sayso key …`: the keys that a server signs with, and those of executors.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use sayso_core::confirmation::{ConfirmationKey, Jwk};
use sayso_engine::rotate_permit_key;
use sayso_store::sqlite::Access;
use serde_json::{Value, json};

use crate::cli::{Common, Keys, SigningKey};
use crate::exit::Exit;
use crate::output::{json, say};
use crate::serve::{block_on, key_place};

pub(crate) fn run(common: &Common, keys: &Keys) -> anyhow::Result<Exit> {
    match keys {
        Keys::Rotate { which: SigningKey::Permit, keys } => rotate(common, keys.as_deref()),
        Keys::Make { file } => make(common, file),
    }
}

fn rotate(common: &Common, keys: Option<&Path>) -> anyhow::Result<Exit> {
    let place = key_place(common, keys)?;
    let kid = block_on(async {
        let store = common.store(Access::Administer).await?;
        Ok(rotate_permit_key(&place, store, Timestamp::now()).await?)
    })?;
    if common.json {
        json(&json!({"kid": kid}))?;
    } else {
        say!("Permits are signed with the key {kid} from now on.");
        say!("What the key before it signed is good for as long as it would have been.");
    }
    Ok(Exit::Done)
}

fn make(common: &Common, file: &Path) -> anyhow::Result<Exit> {
    let mut seed = [0; 32];
    let random = std::fs::File::open("/dev/urandom");
    std::io::Read::read_exact(&mut random.context("no randomness")?, &mut seed)?;
    let key = ConfirmationKey::from_seed(&seed);
    let mut options = std::fs::OpenOptions::new();
    let mut made = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("can't make the file {}", file.display()))?;
    writeln!(made, "{}", key.reveal())?;
    made.sync_all()?;
    show(common, &key.public())?;
    Ok(Exit::Done)
}

fn show(common: &Common, public: &Jwk) -> anyhow::Result<()> {
    let jwk: Value = serde_json::to_value(public)?;
    if common.json {
        return json(&json!({"jkt": public.thumbprint()?, "jwk": jwk}));
    }
    say!("{jwk}");
    Ok(())
}
