//! Permits: compact JWS, EdDSA over Ed25519 (RFC 7515, RFC 8037), `alg` and `typ` pinned.
//!
//! A permit proves a grant; it does not use it up. Redeeming does, and that is the engine's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sayso_core::escalation::{Outcome, PermitState};
use sayso_core::grant::Basis;
use sayso_core::{AgentName, Digest, Escalation, EscalationId, Tier, ToolName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const TYP: &str = "sayso-permit+jwt";

/// What a permit says (registered claims as in RFC 7519).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The server that issued it.
    pub iss: String,
    /// The executor it is for.
    pub aud: AgentName,
    /// The agent that asked.
    pub sub: AgentName,
    /// Its own id: the escalation's, as there is one grant in an escalation's life.
    pub jti: EscalationId,
    /// The escalation that was granted.
    pub esc: EscalationId,
    /// The digest of exactly what may be done.
    pub dig: Digest,
    /// The tool that may be called.
    pub tool: ToolName,
    /// The tier it was granted under.
    pub tier: Tier,
    /// Why it was granted.
    pub basis: Basis,
    /// SHA-256 of the policy that judged it.
    pub pol: Digest,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it can no longer be redeemed, in seconds since 1970.
    pub exp: i64,
}

/// Why a permit is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPermit {
    /// Not three base64url parts holding the right things.
    #[error("this is not a permit")]
    Malformed,
    /// Not `alg: EdDSA`, or another key or type.
    #[error("its header is not that of a permit of this server (alg EdDSA, typ {TYP}, known kid)")]
    Header,
    /// The signature is not ours.
    #[error("its signature does not hold")]
    Signature,
}

/// The key that permits are signed with.
pub struct PermitKey {
    key: SigningKey,
    kid: String,
    issuer: String,
}

impl PermitKey {
    /// From the seed that the store keeps.
    pub fn new(seed: &[u8; 32], issuer: &str) -> Self {
        let key = SigningKey::from_bytes(seed);
        let kid = thumbprint(&key.verifying_key());
        Self { key, kid, issuer: issuer.to_owned() }
    }

    /// The permit of a granted escalation whose grant is unused; none otherwise.
    pub fn issue(&self, escalation: &Escalation) -> Option<String> {
        let settled = escalation.settled()?;
        let granted = settled.granted.as_ref()?;
        let PermitState::Issued { expires_at } = granted.permit else { return None };
        if settled.outcome != Outcome::Granted {
            return None;
        }
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: escalation.executor().clone(),
            sub: escalation.agent().clone(),
            jti: escalation.id(),
            esc: escalation.id(),
            dig: escalation.digest(),
            tool: escalation.subject().tool()?.clone(),
            tier: granted.grant.tier(),
            basis: granted.grant.basis(),
            pol: escalation.verdict().policy,
            iat: settled.at.as_second(),
            exp: expires_at.as_second(),
        };
        Some(self.sign(&claims))
    }

    fn sign(&self, claims: &Claims) -> String {
        let header = json!({"alg": "EdDSA", "kid": self.kid, "typ": TYP});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = serde_json::to_value(claims).unwrap_or_default();
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Checks a permit's signature and reads its claims. Whether it may still be used is not for
    /// the permit to say.
    pub fn verify(&self, permit: &str) -> Result<Claims, BadPermit> {
        let mut parts = permit.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadPermit::Malformed);
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadPermit::Malformed);
        let head: Value =
            serde_json::from_slice(&decode(header)?).map_err(|_| BadPermit::Malformed)?;
        // Exactly our header: nothing to negotiate, and no `crit` to overlook.
        if head != json!({"alg": "EdDSA", "kid": self.kid, "typ": TYP}) {
            return Err(BadPermit::Header);
        }
        let signature =
            Signature::from_slice(&decode(signature)?).map_err(|_| BadPermit::Malformed)?;
        let signed = &permit[..header.len() + 1 + claims.len()];
        self.key
            .verifying_key()
            .verify_strict(signed.as_bytes(), &signature)
            .map_err(|_| BadPermit::Signature)?;
        serde_json::from_slice(&decode(claims)?).map_err(|_| BadPermit::Malformed)
    }

    /// The public key as a JWK set (RFC 7517, RFC 8037).
    pub fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                         "kid": self.kid, "x": x}]})
    }
}

/// The key's JWK thumbprint (RFC 7638).
fn thumbprint(key: &VerifyingKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Digest::of(canonical.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let id = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071".parse().unwrap();
        Claims {
            iss: "http://127.0.0.1:7717".into(),
            aud: "gateway".parse().unwrap(),
            sub: "bot".parse().unwrap(),
            jti: id,
            esc: id,
            dig: Digest::of(b"action"),
            tool: "git_merge".parse().unwrap(),
            tier: Tier::Hard,
            basis: Basis::Decision,
            pol: Digest::of(b"policy"),
            iat: 1,
            exp: 601,
        }
    }

    #[test]
    fn a_permit_verifies_with_its_own_key_only() {
        let key = PermitKey::new(&[1; 32], "here");
        let permit = key.sign(&claims());
        assert_eq!(key.verify(&permit), Ok(claims()));
        let other = PermitKey::new(&[2; 32], "here");
        assert_eq!(other.verify(&permit), Err(BadPermit::Header));
    }

    #[test]
    fn a_changed_claim_breaks_the_signature() {
        let key = PermitKey::new(&[1; 32], "here");
        let permit = key.sign(&claims());
        let other = key.sign(&Claims { tool: "rm".parse().unwrap(), ..claims() });
        let parts: Vec<_> = permit.split('.').collect();
        let swapped = [parts[0], other.split('.').nth(1).unwrap(), parts[2]].join(".");
        assert_eq!(key.verify(&swapped), Err(BadPermit::Signature));
    }

    #[test]
    fn no_other_algorithm_is_negotiated() {
        let key = PermitKey::new(&[1; 32], "here");
        let permit = key.sign(&claims());
        let body = permit.split_once('.').unwrap().1;
        for alg in ["none", "HS256", "ES256"] {
            let header = json!({"alg": alg, "kid": key.kid, "typ": TYP}).to_string();
            let forged = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(key.verify(&forged), Err(BadPermit::Header), "{alg}");
        }
        assert_eq!(key.verify("a.b"), Err(BadPermit::Malformed));
    }
}
