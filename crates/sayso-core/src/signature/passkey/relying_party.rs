//! Whom passkeys are made for: a server, by its host's name and the origins of its pages.

use serde::{Deserialize, Deserializer, Serialize};

use crate::signature::refusal::BadKey;

/// A server, as browsers know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelyingParty {
    id: String,
    /// In order, each once.
    origins: Vec<String>,
}

impl RelyingParty {
    /// The server with the host's name `id`, whose pages have these `origins`
    /// (`https://sayso.example.com`, `http://localhost:8080`).
    pub fn new(id: &str, origins: &[&str]) -> Result<Self, BadKey> {
        if !is_host_name(id) {
            return Err(BadKey::RelyingParty(id.into()));
        }
        let bad = |origin: &str| BadKey::Origin { origin: origin.into(), rp: id.into() };
        if let Some(other) = origins.iter().find(|origin| !belongs(origin, id)) {
            return Err(bad(other));
        }
        let mut origins: Vec<String> = origins.iter().map(|&origin| origin.into()).collect();
        origins.sort_unstable();
        origins.dedup();
        match origins.is_empty() {
            true => Err(bad("")),
            false => Ok(Self { id: id.into(), origins }),
        }
    }

    /// Its id: the host's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origins of its pages.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    pub(in crate::signature) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }
}

/// A DNS name in lower case: no address, since browsers take none as an id.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last_is_number =
        text.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= 253 && text.split('.').all(label) && !last_is_number
}

/// Whether `origin` is a secure one whose host is `id` or lies below it.
fn belongs(origin: &str, id: &str) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let port_is_sound = port.is_none_or(|port| {
        port.parse::<u16>().is_ok_and(|number| number.to_string() == port && number != 0)
    });
    let secure = match scheme {
        "https" => true,
        "http" => host == "localhost" || host.ends_with(".localhost"),
        _ => false,
    };
    let below = host.strip_suffix(id).is_some_and(|left| left.is_empty() || left.ends_with('.'));
    secure && port_is_sound && below && is_host_name(host)
}

impl<'de> Deserialize<'de> for RelyingParty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            id: String,
            origins: Vec<String>,
        }
        let Written { id, origins } = Written::deserialize(deserializer)?;
        let borrowed: Vec<&str> = origins.iter().map(String::as_str).collect();
        let read = Self::new(&id, &borrowed).map_err(serde::de::Error::custom)?;
        // A key is known by the hash of its JSON, so there is one way to write it.
        match read.origins == origins {
            true => Ok(read),
            false => Err(serde::de::Error::custom("origins must be in order, each once")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secure_origins_of_the_same_host_belong_to_it() {
        for (id, origin) in [
            ("sayso.example.com", "https://sayso.example.com"),
            ("example.com", "https://sayso.example.com:8443"),
            ("localhost", "http://localhost:8080"),
        ] {
            assert!(RelyingParty::new(id, &[origin]).is_ok(), "{origin}");
        }
        for (id, origin) in [
            ("example.com", "http://example.com"),
            ("example.com", "https://notexample.com"),
            ("example.com", "https://example.com/"),
            ("example.com", "https://ana@example.com"),
            ("example.com", "https://example.com:08443"),
            ("example.com", "https://example.com.evil.org"),
            ("localhost", "http://localhost.evil.org"),
            ("127.0.0.1", "http://127.0.0.1:8080"),
            ("Example.com", "https://Example.com"),
            ("example.com", ""),
        ] {
            assert!(RelyingParty::new(id, &[origin]).is_err(), "{origin}");
        }
        assert!(RelyingParty::new("example.com", &[]).is_err());
    }
}
