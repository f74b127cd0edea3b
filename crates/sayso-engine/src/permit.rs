//! Permits: compact JWS, EdDSA over Ed25519 (RFC 7515, RFC 8037), `alg` and `typ` pinned.
//!
//! A permit proves a grant; it does not use it up. Redeeming does, and that is the engine's.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use jiff::Timestamp;
use sayso_core::confirmation::{Confirmed, Thumbprint};
use sayso_core::escalation::{Outcome, PermitState};
use sayso_core::grant::Basis;
use sayso_core::{AgentName, Digest, Escalation, EscalationId, Period, Tier, ToolName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::keys::PermitSeeds;

/// The longest that any permit may be redeemed: for that long a key verifies what it signed.
const PERMITS_LAST: Period = Period::from_secs(24 * 3_600);
const TYP: &str = "sayso-permit+jwt";
/// Far more than any permit has: nothing longer is looked at.
const LONGEST: usize = 16 * 1024;

/// What a permit says (registered claims as in RFC 7519). Times are absolute, UTC. A permit with
/// any other claim is none: who wrote it meant something that we would overlook.
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
    /// The digests of the statements that people signed for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dec: Vec<Digest>,
    /// The key that the executor must have besides its credential (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmed>,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it may be redeemed, in seconds since 1970.
    pub nbf: i64,
    /// When it can no longer be redeemed, in seconds since 1970.
    pub exp: i64,
}

/// Why a permit is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPermit {
    /// Not three base64url parts holding the right things.
    #[error("this is not a permit")]
    Malformed,
    /// Not `alg: EdDSA`, or another key or type, or more than that.
    #[error("its header is not that of a permit of this server (alg EdDSA, typ {TYP}, known kid)")]
    Header,
    /// The signature is not ours.
    #[error("its signature does not hold")]
    Signature,
    /// A claim that we don't know, or one that we miss.
    #[error("its claims are not those of a permit: {0}")]
    Claims(String),
    /// Issued by another server, or by this one under another name.
    #[error(
        "it was issued by {issuer}, and this server is {here}; servers on one database need one \
         public URL"
    )]
    Issuer {
        /// Who issued it, as it says.
        issuer: String,
        /// Who we are.
        here: String,
    },
}

/// A key that verifies permits.
#[derive(Clone)]
struct Known {
    key: VerifyingKey,
    kid: String,
    /// The one header that its permits have, encoded.
    header: String,
    /// When nothing that it signed can be redeemed any more; none, while it signs.
    until: Option<Timestamp>,
}

impl Known {
    fn new(key: VerifyingKey, until: Option<Timestamp>) -> Self {
        let kid = thumbprint(&key);
        let header = json!({"alg": "EdDSA", "kid": kid, "typ": TYP});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        Self { key, kid, header, until }
    }
}

/// The keys of permits: one signs, and those before it verify for as long as what they signed may
/// be redeemed.
pub struct PermitKeys {
    issuer: String,
    signs: SigningKey,
    /// The one that signs is the first.
    known: Vec<Known>,
}

impl PermitKeys {
    /// From their seeds.
    pub(crate) fn of(seeds: &PermitSeeds, issuer: &str) -> Self {
        let since = seeds.then.iter().map(|(since, _)| Some(*since));
        let until = since.map(|since| since.map(|since| PERMITS_LAST.after(since)));
        let all = [&seeds.first].into_iter().chain(seeds.then.iter().map(|(_, seed)| seed));
        // Each verifies until some time after the next began to sign; the last signs.
        let mut known: Vec<_> = all
            .clone()
            .zip(until.chain([None]))
            .map(|(seed, until)| Known::new(SigningKey::from_bytes(seed).verifying_key(), until))
            .collect();
        known.reverse();
        let signs = all.last().unwrap_or(&seeds.first);
        Self { issuer: issuer.to_owned(), signs: SigningKey::from_bytes(signs), known }
    }

    /// One key, which signs.
    pub fn new(seed: &[u8; 32], issuer: &str) -> Self {
        Self::of(&PermitSeeds { first: *seed, then: Vec::new() }, issuer)
    }

    /// How many took the place of the first.
    pub(crate) fn replaced(&self) -> usize {
        self.known.len() - 1
    }

    /// The server that issues, as permits name it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The permit of a granted escalation whose grant is unused; none otherwise. An executor with
    /// a confirmation key gets one that is good only with that key.
    pub fn issue(
        &self,
        escalation: &Escalation,
        confirmed_by: Option<Thumbprint>,
    ) -> Option<String> {
        let claims = self.claims(escalation, confirmed_by)?;
        Some(self.sign(&serde_json::to_value(&claims).ok()?))
    }

    /// The claim by which a permit is not the one of that grant, as long as that is unused: a
    /// signature says who wrote a permit, and whoever has stolen the key could write anything.
    pub(crate) fn misfit(&self, claims: &Claims, escalation: &Escalation) -> Option<&'static str> {
        // Its key may have become another since.
        let granted = self.claims(escalation, claims.cnf.map(|confirmed| confirmed.jkt))?;
        let fits = [
            ("aud", claims.aud == granted.aud),
            ("sub", claims.sub == granted.sub),
            ("jti", claims.jti == granted.jti),
            ("dig", claims.dig == granted.dig),
            ("tool", claims.tool == granted.tool),
            ("tier", claims.tier == granted.tier),
            ("basis", claims.basis == granted.basis),
            ("pol", claims.pol == granted.pol),
            ("dec", claims.dec == granted.dec),
            ("iat", claims.iat == granted.iat),
            ("nbf", claims.nbf == granted.nbf),
            ("exp", claims.exp == granted.exp),
        ];
        fits.into_iter().find(|(_, fits)| !fits).map(|(claim, _)| claim)
    }

    fn claims(&self, escalation: &Escalation, confirmed_by: Option<Thumbprint>) -> Option<Claims> {
        let settled = escalation.settled()?;
        let granted = settled.granted.as_ref()?;
        let PermitState::Issued { expires_at } = granted.permit else { return None };
        if settled.outcome != Outcome::Granted {
            return None;
        }
        Some(Claims {
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
            dec: granted.grant.statements().to_vec(),
            cnf: confirmed_by.map(|jkt| Confirmed { jkt }),
            iat: settled.at.as_second(),
            nbf: settled.at.as_second(),
            exp: expires_at.as_second(),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{}.{claims}", self.known[0].header);
        let signature = self.signs.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Checks a permit's signature and reads its claims. Whether it may still be used is not for
    /// the permit to say.
    pub fn verify(&self, permit: &str, at: Timestamp) -> Result<Claims, BadPermit> {
        let mut parts = permit.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadPermit::Malformed);
        };
        if permit.len() > LONGEST {
            return Err(BadPermit::Malformed);
        }
        // Byte for byte our header: nothing to negotiate, and no `crit` to overlook.
        let known = self.known_at(at).find(|known| known.header == header);
        let known = known.ok_or(BadPermit::Header)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadPermit::Malformed);
        let signature =
            Signature::from_slice(&decode(signature)?).map_err(|_| BadPermit::Malformed)?;
        let signed = &permit[..header.len() + 1 + claims.len()];
        known.key.verify_strict(signed.as_bytes(), &signature).map_err(|_| BadPermit::Signature)?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?)
            .map_err(|bad| BadPermit::Claims(bad.to_string()))?;
        if claims.iss != self.issuer {
            return Err(BadPermit::Issuer { issuer: claims.iss, here: self.issuer.clone() });
        }
        Ok(claims)
    }

    fn known_at(&self, at: Timestamp) -> impl Iterator<Item = &Known> {
        self.known.iter().filter(move |known| known.until.is_none_or(|until| at < until))
    }

    /// The public keys that verify, as a JWK set (RFC 7517, RFC 8037).
    pub fn jwks(&self, at: Timestamp) -> Value {
        let jwk = |known: &Known| {
            let x = URL_SAFE_NO_PAD.encode(known.key.as_bytes());
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                   "kid": known.kid, "x": x})
        };
        json!({"keys": self.known_at(at).map(jwk).collect::<Vec<_>>()})
    }
}

/// The key's JWK thumbprint (RFC 7638).
fn thumbprint(key: &VerifyingKey) -> String {
    Thumbprint::of_ed25519(key.as_bytes()).to_string()
}
