//! What the operator says about the provider: a small file of TOML.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sayso_core::GroupName;
use sayso_core::credential::Role;
use serde::Deserialize;

use crate::http::is_secure;
use crate::terms::{Given, Terms};

/// A client's secret. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret, without the white space around it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Which provider logs people in, as whom it knows us, and what its groups mean here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The provider, exactly as it calls itself.
    pub issuer: String,
    /// What the button calls it.
    pub name: String,
    /// What it calls us.
    pub client_id: String,
    /// What shows it that it is us; none if it goes by PKCE alone.
    pub client_secret: Option<Secret>,
    /// What it is asked for besides `openid`, `profile` and `email`.
    pub scopes: Vec<String>,
    /// The claim that holds the groups.
    pub groups_claim: String,
    /// What its groups mean here.
    pub terms: Terms,
    /// Authorities that its certificate may be of, besides the usual ones.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// A file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no TOML, or has other fields.
    #[error("{}: {error}", path.display())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        error: Box<toml::de::Error>,
    },
    /// A field holds what it can't.
    #[error("{}: `{field}`: {why}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Which field.
        field: &'static str,
        /// What is wrong, and what would not be.
        why: String,
    },
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    issuer: String,
    #[serde(default)]
    name: Option<String>,
    client_id: String,
    #[serde(default)]
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    groups_claim: Option<String>,
    #[serde(default)]
    ca_file: Option<PathBuf>,
    roles: Given<Role>,
    #[serde(default)]
    groups: Given<GroupName>,
}

impl Settings {
    /// Reads them from a file; those that it names are looked for beside it. A secret that is given
    /// goes before one in a file.
    pub fn read(path: &Path, secret: Option<Secret>) -> Result<Self, BadSettings> {
        let text = read(path)?;
        let written: Written = toml::from_str(&text).map_err(|error| {
            BadSettings::NotUnderstood { path: path.to_owned(), error: Box::new(error) }
        })?;
        let beside = |file: &Path| path.parent().unwrap_or(Path::new("")).join(file);
        let wrong = |field, why: String| BadSettings::Field { path: path.to_owned(), field, why };
        if !is_secure(&written.issuer) {
            let why =
                format!("{:?} must begin with https:// (or be on this machine)", written.issuer);
            return Err(wrong("issuer", why));
        }
        if written.client_id.is_empty() {
            return Err(wrong(
                "client_id",
                "is empty; the provider gives one to each client".into(),
            ));
        }
        let client_secret = match (secret, &written.client_secret_file) {
            (Some(secret), _) => Some(secret),
            (None, Some(file)) => Some(Secret::new(&read(&beside(file))?)),
            (None, None) => None,
        };
        if client_secret.as_ref().is_some_and(|secret| secret.0.is_empty()) {
            return Err(wrong("client_secret_file", "holds nothing".into()));
        }
        let authorities = match &written.ca_file {
            Some(file) => certificates(&beside(file)).map_err(|why| wrong("ca_file", why))?,
            None => Vec::new(),
        };
        let terms = Terms::new(written.roles.into_map(), written.groups.into_map());
        if terms.admit_nobody() {
            let why = "names no group, so that nobody could log in; \
                       for example: reviewer = [\"approvers\"]";
            return Err(wrong("roles", why.into()));
        }
        Ok(Self {
            name: written.name.unwrap_or_else(|| host(&written.issuer)),
            issuer: written.issuer,
            client_id: written.client_id,
            client_secret,
            scopes: written.scopes,
            groups_claim: written.groups_claim.unwrap_or_else(|| "groups".into()),
            terms,
            authorities,
        })
    }
}

fn read(path: &Path) -> Result<String, BadSettings> {
    let unreadable = |error| BadSettings::Unreadable { path: path.to_owned(), error };
    std::fs::read_to_string(path).map_err(unreadable)
}

fn host(issuer: &str) -> String {
    let url = openidconnect::url::Url::parse(issuer).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| issuer.to_owned())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match pem {
        Ok(certificates) => {
            let certificates: Vec<_> = certificates;
            match certificates.is_empty() {
                true => Err(format!("{} holds no certificate", path.display())),
                false => Ok(certificates),
            }
        }
        Err(error) => Err(format!("can't read {}: {error}", path.display())),
    }
}
