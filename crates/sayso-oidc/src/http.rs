//! How the provider is spoken to: by HTTPS, without redirects, with little patience.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may be.
const LARGEST: usize = 1024 * 1024;

/// A request that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("{0} is neither https:// nor on this machine")]
    NotSecure(String),
    #[error("{}", chain(.0))]
    Request(#[from] reqwest::Error),
    #[error("it answered with more than 1 MiB")]
    TooLarge,
    #[error("{0}")]
    Answer(#[from] openidconnect::http::Error),
}

/// An error with what led to it; `reqwest` says the cause apart.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A client for one provider.
#[derive(Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    /// Trusts Mozilla's authorities and those given besides.
    pub(crate) fn new(authorities: &[CertificateDer<'static>]) -> Result<Self, NoClient> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self(client))
    }

    /// Sends a request, and reads the answer whole.
    pub(crate) async fn send(self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let address = request.uri().to_string();
        if !is_secure(&address) {
            return Err(HttpError::NotSecure(address));
        }
        let mut response = self.0.execute(request.try_into()?).await?;
        let mut answer = openidconnect::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer.body(body)?)
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoClient {
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Client(#[from] reqwest::Error),
}

/// Whether nobody on the network can read along: HTTPS, or not on the network at all.
pub(crate) fn is_secure(address: &str) -> bool {
    let Ok(url) = openidconnect::url::Url::parse(address) else { return false };
    let near = match url.host() {
        Some(openidconnect::url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(openidconnect::url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(openidconnect::url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_spoken_to_by_https_unless_it_is_on_this_machine() {
        for fine in
            ["https://id.example", "http://127.0.0.1:9", "http://[::1]:9", "http://localhost/x"]
        {
            assert!(is_secure(fine), "{fine}");
        }
        let wrong =
            ["http://id.example", "http://10.0.0.1", "http://localhost.example", "file:///x", ""];
        for wrong in wrong {
            assert!(!is_secure(wrong), "{wrong}");
        }
    }
}
