//! Registration: how a passkey comes to be (`WebAuthn`, section 7.1).

use serde::{Deserialize, Serialize};

use super::{Passkey, RelyingParty, Used, authenticator};
use crate::signature::base64url::Base64Url;
use crate::signature::cbor;
use crate::signature::client_data::{self, Ceremony};
use crate::signature::refusal::BadProof;

const PART: &str = "attestation_object";
const LARGEST: usize = 64 * 1024;

/// What an authenticator answers when it is asked for a new passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// What the authenticator made, with what its maker says of it.
    pub attestation_object: Base64Url,
    /// What the browser says: where, and over which challenge.
    pub client_data_json: Base64Url,
}

impl Registration {
    /// The passkey that was made on `challenge`: random bytes of the server's, at least 16, used
    /// once.
    ///
    /// What the authenticator's maker attests is read over, not trusted: who vouches for a key
    /// here is a person who countersigns it.
    pub fn passkey(
        &self,
        challenge: &[u8],
        rp: &RelyingParty,
    ) -> Result<(Passkey, Used), BadProof> {
        let client_data = self.client_data_json.as_bytes();
        client_data::check(client_data, Ceremony::Registration, challenge, rp)?;
        let object = self.attestation_object.as_bytes();
        if object.len() > LARGEST {
            return Err(BadProof::TooLarge { part: PART, limit: LARGEST });
        }
        let data = authenticator_data(object).map_err(|why| BadProof::malformed(PART, why))?;
        let (credential, key, used) = authenticator::registration(data, rp)?;
        Ok((Passkey::new(credential, key, rp.clone())?, used))
    }
}

/// `{fmt, attStmt, authData}`, each once and in any order.
fn authenticator_data(object: &[u8]) -> Result<&[u8], &'static str> {
    let mut reader = cbor::Reader::new(object);
    if reader.map()? != 3 {
        return Err("it has not exactly fmt, attStmt and authData");
    }
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..3 {
        let twice = match reader.text()? {
            "fmt" => format.replace(reader.text()?).is_some(),
            "attStmt" => statement.replace(reader.skip()?).is_some(),
            "authData" => data.replace(reader.bytes()?).is_some(),
            _ => return Err("it has not exactly fmt, attStmt and authData"),
        };
        if twice {
            return Err("a member is given twice");
        }
    }
    reader.end()?;
    // Three members, none twice and none of another name: all three are there.
    data.ok_or("it has no authData")
}
