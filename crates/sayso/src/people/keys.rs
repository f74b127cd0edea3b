//! `sayso reviewer key …`: people's own SSH keys, and who vouches for them.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use sayso_client::wire;
use sayso_core::enrolment::{Countersignature, Enrolment};
use sayso_core::signature::{Domain, PersonKey};
use sayso_core::{Digest, ReviewerName};
use sayso_engine::{Actor, Authority};
use sayso_store::sqlite::Access;
use serde_json::json;

use crate::cli::{Common, PeoplesKeys as Keys};
use crate::exit::Exit;
use crate::output::{BOLD, DIM, json, say, styled};
use crate::serve::block_on;
use crate::sign::{Signer, public_key};

/// How much of an id is printed.
const SHORT: usize = 12;
/// The fewest characters that stand for a key.
const FEWEST: usize = 6;

pub(super) fn run(common: &Common, keys: &Keys) -> anyhow::Result<Exit> {
    match keys {
        Keys::Add { file, reviewer: None } => {
            let line = public_key(file)?.to_string();
            let key = common.client()?.offer_key(&wire::OfferKey { public_key: line })?;
            offered(common, &key)?;
        }
        Keys::Add { file, reviewer: Some(name) } => {
            let (name, key) = (ReviewerName::new(name)?, PersonKey::Ssh(public_key(file)?));
            let id = key.id();
            on_data(common, async |authority| {
                let now = Timestamp::now();
                Ok(authority.offer_key(Actor::Operator, &name, &key, now).await?)
            })?;
            offered(common, &one(&all_on_data(common)?, &id.to_string())?)?;
        }
        Keys::List => {
            let items = match common.token {
                Some(_) => common.client()?.keys()?.items,
                None => all_on_data(common)?,
            };
            if common.json {
                json(&items)?;
            } else {
                items.iter().for_each(show);
            }
        }
        Keys::Vouch { key, sign: Some(file), organisation: _, first: _ } => {
            let client = common.client()?;
            let key = one(&client.keys()?.items, key)?;
            let signer = Signer::open(file)?;
            let by = wire::Vouch { by: signer.key().id().to_string() };
            let handed = client.enrolment(&key.id, &by)?;
            let proof = vouch(common, &signer, &key, &handed.statement)?;
            let proof = serde_json::to_value(proof).context("the signature can't be sent")?;
            let countersign = wire::Countersign { statement: handed.statement, proof };
            enrolled(common, &client.countersign(&key.id, &countersign)?)?;
        }
        Keys::Vouch { key, sign: None, organisation, first } => {
            let key = one(&all_on_data(common)?, key)?;
            match (organisation, first) {
                (Some(file), _) => by_organisation(common, &key, file)?,
                (None, true) => {
                    let id: Digest = key.id.parse()?;
                    on_data(common, async |authority| {
                        let now = Timestamp::now();
                        Ok(authority.enrol_first(Actor::Operator, id, now).await?)
                    })?;
                }
                (None, false) => bail!("who vouches for it? --sign, --organisation or --first"),
            }
            enrolled(common, &one(&all_on_data(common)?, &key.id)?)?;
        }
        Keys::Revoke { key } => {
            let client = common.client()?;
            let key = one(&client.keys()?.items, key)?;
            client.revoke_key(&key.id)?;
            if common.json {
                json(&json!({"revoked": key.id}))?;
            } else {
                say!("Revoked. What it signed before stays signed.");
            }
        }
    }
    Ok(Exit::Done)
}

/// The organisation vouches, with its own key, on the data itself.
fn by_organisation(common: &Common, key: &wire::Key, file: &Path) -> anyhow::Result<()> {
    let signer = Signer::open(file)?;
    let (id, by) = (key.id.parse()?, signer.key().id());
    let statement = on_data(common, async |authority| {
        Ok(authority.enrolment(id, by, Timestamp::now()).await?.text())
    })?;
    let proof = vouch(common, &signer, key, &statement)?;
    let countersignature = Countersignature { statement, proof };
    on_data(common, async |authority| {
        let (organisation, now) = (signer.key(), Timestamp::now());
        let signed = &countersignature;
        Ok(authority.countersign_as_organisation(organisation, id, signed, now).await?)
    })
}

/// Signs an enrolment, once it says what it is taken for.
fn vouch(
    common: &Common,
    signer: &Signer,
    key: &wire::Key,
    statement: &str,
) -> anyhow::Result<sayso_core::signature::Proof> {
    let enrolment = Enrolment::parse(statement)?;
    ensure!(
        enrolment.reviewer.as_str() == key.person
            && enrolment.key.fingerprint() == key.fingerprint
            && enrolment.by == signer.key().id(),
        "the server hands out something else to sign than it shows; nothing was signed"
    );
    if !common.json {
        let (name, print) = (&enrolment.reviewer, enrolment.key.fingerprint());
        say!("You vouch that the key {print} is {name}’s.");
    }
    signer.sign(Domain::Enrolment, statement.as_bytes())
}

fn offered(common: &Common, key: &wire::Key) -> anyhow::Result<()> {
    if common.json {
        return json(key);
    }
    say!("{} has a new key:\n", styled(BOLD, &key.person));
    show(key);
    let short = short(&key.id);
    say!(
        "\nIt counts once somebody vouches for it: sayso reviewer key vouch {short} --sign THEIR_KEY"
    );
    Ok(())
}

fn enrolled(common: &Common, key: &wire::Key) -> anyhow::Result<()> {
    if common.json {
        return json(key);
    }
    say!("Enrolled: what it signs counts as {}’s.", styled(BOLD, &key.person));
    Ok(())
}

fn show(key: &wire::Key) {
    let by = key.countersigned_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    let about = format!("{} {}{by}", key.kind, key.standing);
    say!("{}  {}  {}  {}", short(&key.id), key.person, key.fingerprint, styled(DIM, about));
}

fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

/// The key with that fingerprint or the first digits of that id.
fn one(keys: &[wire::Key], name: &str) -> anyhow::Result<wire::Key> {
    ensure!(name.len() >= FEWEST, "{name:?} is too short: give at least {FEWEST} digits of its id");
    let fits = |key: &&wire::Key| key.id.starts_with(name) || key.fingerprint == name;
    let found: Vec<_> = keys.iter().filter(fits).collect();
    match *found {
        [key] => Ok(key.clone()),
        [] => bail!("there is no key {name}; see `sayso reviewer key list`"),
        _ => bail!("several keys fit {name}; give more digits"),
    }
}

fn all_on_data(common: &Common) -> anyhow::Result<Vec<wire::Key>> {
    on_data(common, async |authority| {
        let directory = authority.directory().await?;
        let keys = directory.keys().filter(|(_, key)| key.is_in_force());
        Ok(keys.map(|(id, key)| sayso_web::api::key(id, key)).collect())
    })
}

fn on_data<T>(
    common: &Common,
    work: impl AsyncFnOnce(Authority) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    block_on(async { work(Authority::new(common.store(Access::Administer).await?)).await })
}
