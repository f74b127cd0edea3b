//! What pages ask a browser's authenticator for, and what it answers: `WebAuthn`'s JSON forms
//! (Level 3, section 5.1.8 and what it names).

use axum::http::{HeaderMap, Uri, header};
use sayso_core::json::{self, Limits};
use sayso_core::signature::{Assertion, Base64Url, CoseKey, Passkey, Registration, RelyingParty};
use sayso_core::{Digest, ReviewerName};
use sayso_engine::{NoTicket, Ticket};
use serde::Deserialize;
use serde_json::{Value, json};

use super::visitor::Fields;

/// The most bytes of an answer: attestations hold certificates.
const LARGEST: usize = 128 * 1024;
/// How long a browser waits for its person, in milliseconds.
const PATIENCE: u32 = 4 * 60 * 1000;

/// The server, as browsers know it by its public address; none, if passkeys can't be had there.
/// They want a name, so what listens on a loopback address goes by `localhost`.
pub(super) fn relying_party(public_url: &str) -> Option<RelyingParty> {
    let uri: Uri = public_url.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let id = match host {
        "127.0.0.1" | "[::1]" => "localhost",
        name => name,
    };
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    RelyingParty::new(id, &[&format!("{scheme}://{id}{port}")]).ok()
}

/// The same page where passkeys work, for whoever came by the server's number.
pub(super) fn elsewhere(public_url: &str, headers: &HeaderMap, path: &str) -> Option<String> {
    let origin = relying_party(public_url)?.origins().first()?.clone();
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let (_, here) = origin.split_once("://")?;
    (host != here).then(|| format!("{origin}{path}"))
}

/// The ticket that came with a form.
pub(super) fn ticket(fields: &Fields) -> Result<Ticket, NoTicket> {
    fields.get("ticket").unwrap_or_default().parse()
}

/// What authenticators know a person by. It says nothing of them, and stays the same.
fn handle(rp: &RelyingParty, person: &ReviewerName) -> Base64Url {
    let parts = [b"sayso user\n", rp.id().as_bytes(), b"\n", person.as_str().as_bytes()];
    Digest::of_parts(&parts).as_bytes()[..].into()
}

/// A new passkey: kept by the authenticator, used only by a person it has verified.
pub(super) fn creation(
    rp: &RelyingParty,
    challenge: &[u8],
    person: &ReviewerName,
    known: &[&Passkey],
) -> Value {
    let algorithms = CoseKey::ALGORITHMS.iter();
    let algorithms: Vec<_> =
        algorithms.map(|alg| json!({ "type": "public-key", "alg": alg })).collect();
    json!({
        "rp": { "id": rp.id(), "name": "Sayso" },
        "user": { "id": handle(rp, person), "name": person, "displayName": person },
        "challenge": Base64Url::from(challenge),
        "pubKeyCredParams": algorithms,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
        "excludeCredentials": descriptors(known),
        "timeout": PATIENCE,
    })
}

/// A signature by one of these passkeys; by any, if none are named.
pub(super) fn request(rp: &RelyingParty, challenge: &[u8], keys: &[&Passkey]) -> Value {
    json!({
        "rpId": rp.id(),
        "challenge": Base64Url::from(challenge),
        "userVerification": "required",
        "allowCredentials": descriptors(keys),
        "timeout": PATIENCE,
    })
}

fn descriptors(keys: &[&Passkey]) -> Vec<Value> {
    let one = |key: &&Passkey| json!({ "type": "public-key", "id": key.credential() });
    keys.iter().map(one).collect()
}

/// A browser's answer that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("what the browser sent is no passkey's answer")]
pub(super) struct Unreadable;

/// Browsers add members of their own, so what is not known is let be.
#[derive(Deserialize)]
struct Credential<R> {
    #[serde(rename = "rawId")]
    id: Base64Url,
    response: R,
}

impl<R: for<'de> Deserialize<'de>> Credential<R> {
    fn read(text: &str) -> Result<Self, Unreadable> {
        let limits = Limits { bytes: LARGEST, ..Limits::default() };
        json::read_into(text.as_bytes(), limits).map_err(|_| Unreadable)
    }
}

/// A signature. Which person the authenticator takes it for is not looked at: the key says.
pub(super) struct Signed {
    /// The credential's id.
    pub(super) credential: Base64Url,
    /// What is to be checked.
    pub(super) assertion: Assertion,
}

impl Signed {
    /// Reads what the browser sent.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Response {
            authenticator_data: Base64Url,
            #[serde(rename = "clientDataJSON")]
            client_data_json: Base64Url,
            signature: Base64Url,
        }
        let Credential { id, response } = Credential::<Response>::read(text)?;
        let Response { authenticator_data, client_data_json, signature } = response;
        Ok(Self {
            credential: id,
            assertion: Assertion { authenticator_data, client_data_json, signature },
        })
    }
}

/// Reads a new passkey that the browser sent.
pub(super) fn registered(text: &str) -> Result<Registration, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Response {
        attestation_object: Base64Url,
        #[serde(rename = "clientDataJSON")]
        client_data_json: Base64Url,
    }
    let Credential { response, .. } = Credential::<Response>::read(text)?;
    let Response { attestation_object, client_data_json } = response;
    Ok(Registration { attestation_object, client_data_json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_public_addresses_name() {
        let known =
            |url: &str| relying_party(url).map(|rp| (rp.id().to_owned(), rp.origins()[0].clone()));
        for (url, id, origin) in [
            ("https://sayso.example.com", "sayso.example.com", "https://sayso.example.com"),
            ("https://a.example:8443", "a.example", "https://a.example:8443"),
            ("http://localhost:7717", "localhost", "http://localhost:7717"),
            ("http://127.0.0.1:7717", "localhost", "http://localhost:7717"),
            ("http://[::1]:7717", "localhost", "http://localhost:7717"),
        ] {
            assert_eq!(known(url), Some((id.into(), origin.into())), "{url}");
        }
        for url in ["http://sayso.example.com", "https://192.0.2.7", "sayso"] {
            assert_eq!(known(url), None, "{url}");
        }
    }

    #[test]
    fn a_browsers_answer_is_read_with_all_that_it_adds() {
        let answer = json!({
            "id": "AQ", "rawId": "AQ", "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": "Ag", "clientDataJSON": "Aw", "signature": "BA",
                "userHandle": "BQ", "later": 1,
            },
        });
        let signed = Signed::read(&answer.to_string()).unwrap();
        assert_eq!(signed.credential.as_bytes(), [1]);
        assert_eq!(signed.assertion.signature.as_bytes(), [4]);
        for text in ["", "{}", "[]", r#"{"rawId": "=", "response": {}}"#] {
            assert!(Signed::read(text).is_err(), "{text}");
            assert!(registered(text).is_err(), "{text}");
        }
    }
}
