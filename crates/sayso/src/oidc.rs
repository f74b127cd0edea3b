//! The identity provider that people log in at, if the operator names one.

use std::path::Path;

use sayso_oidc::{Failure, Provider, Secret, Settings};
use sayso_web::inbox::CALLBACK;

use crate::cli::Serve;

/// The file's name in the data folder.
const FILE: &str = "oidc.toml";
/// Where the client's secret may be besides. There is no flag for it: anybody sees flags.
const SECRET: &str = "SAYSO_OIDC_CLIENT_SECRET";

/// The provider, if there is a file about one.
pub(crate) fn sign_on(serve: &Serve, folder: &Path, url: &str) -> anyhow::Result<Option<Provider>> {
    let usual = folder.join(FILE);
    let path = match &serve.oidc {
        Some(path) => path,
        None if usual.exists() => &usual,
        None => return Ok(None),
    };
    let secret = std::env::var(SECRET).ok().map(|secret| Secret::new(&secret));
    let settings = Settings::read(path, secret)?;
    Ok(Some(Provider::new(settings, &format!("{url}{CALLBACK}"))?))
}

/// Says early what people would only find when they log in. The server runs without the provider:
/// who is logged in stays so, and login links work.
pub(crate) async fn try_out(provider: Provider) {
    let issuer = &provider.settings().issuer;
    match provider.try_out().await {
        Ok(()) => tracing::info!(issuer, "people can log in at the identity provider"),
        Err(failure @ Failure::Unusable(_)) => {
            tracing::error!(issuer, %failure, "nobody can log in at the identity provider");
        }
        Err(failure) => {
            tracing::warn!(issuer, %failure, "nobody can log in at the identity provider now");
        }
    }
}
