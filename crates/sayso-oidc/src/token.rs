//! Whether an ID token proves who somebody is (`OpenID` Connect Core, section 3.1.3.7).

use chrono::{DateTime, Utc};
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, IdToken, IdTokenClaims, IdTokenVerifier,
    Nonce, SignatureVerificationError,
};

use crate::claims::Claims;
use crate::failure::Failure;

pub(crate) type Token =
    IdToken<Claims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(crate) type Said = IdTokenClaims<Claims, CoreGenderClaim>;

/// What is taken: signatures by a key that the provider publishes. No `none`, and nothing with a
/// secret that two know.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How far the provider's clock may be off ours.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Why a token is not taken.
pub(crate) enum Bad {
    /// None of the keys that are known is the one; the provider may have new ones.
    UnknownKey,
    /// It never will be.
    For(Failure),
}

impl From<Failure> for Bad {
    fn from(failure: Failure) -> Self {
        Self::For(failure)
    }
}

/// What else must fit.
pub(crate) struct Expected<'a> {
    pub(crate) client: &'a str,
    pub(crate) nonce: Nonce,
    /// The access token that came along.
    pub(crate) access: &'a AccessToken,
    pub(crate) now: Timestamp,
}

/// What the token says, if it proves it.
pub(crate) fn verify(
    token: &Token,
    verifier: IdTokenVerifier<'_, CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<Said, Bad> {
    let now = expected.now.as_second();
    let (latest, earliest) = (now + SKEW.as_secs(), now - SKEW.as_secs());
    // An expiry a little in the past is taken, as the clocks may differ.
    let as_if = in_their_words(earliest)?;
    let verifier = verifier
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || as_if)
        .set_issue_time_verifier_fn(move |issued| match issued.timestamp() > latest {
            true => Err(format!("it was issued in the future, at {issued}")),
            false => Ok(()),
        });
    let said = token.claims(&verifier, &expected.nonce).map_err(bad)?;
    if said.additional_claims().time("nbf").is_some_and(|from| from > latest) {
        return Err(Failure::Clock("it is not valid yet".into()).into());
    }
    check_party(said, expected.client)?;
    check_access(token, said, &verifier, expected.access)?;
    let subject = said.subject().as_str();
    if subject.is_empty() || subject.len() > 255 {
        return Err(bad_token("its subject must have 1 to 255 characters"));
    }
    Ok(said.clone())
}

/// Steps 4 and 5, which the library leaves to us.
fn check_party(said: &Said, client: &str) -> Result<(), Bad> {
    match said.authorized_party() {
        Some(party) if party.as_str() != client => Err(bad_token("it is for another party")),
        None if said.audiences().len() > 1 => {
            Err(bad_token("it does not say which party it is for"))
        }
        Some(_) | None => Ok(()),
    }
}

/// That the access token belongs to it, if it says which does.
fn check_access(
    token: &Token,
    said: &Said,
    verifier: &IdTokenVerifier<'_, CoreJsonWebKey>,
    access: &AccessToken,
) -> Result<(), Bad> {
    let Some(wanted) = said.access_token_hash() else { return Ok(()) };
    let key = token.signing_key(verifier).map_err(|error| bad_token(&error.to_string()))?;
    let algorithm = token.signing_alg().map_err(|error| bad_token(&error.to_string()))?;
    match AccessTokenHash::from_token(access, algorithm, key) {
        Ok(found) if found == *wanted => Ok(()),
        Ok(_) => Err(bad_token("it came with another access token")),
        Err(error) => Err(bad_token(&error.to_string())),
    }
}

fn bad(error: ClaimsVerificationError) -> Bad {
    match error {
        // It may also be signed by a new key under an old name.
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
        ) => Bad::UnknownKey,
        ClaimsVerificationError::SignatureVerification(error) => bad_token(&error.to_string()),
        ClaimsVerificationError::Expired(why) => Failure::Clock(why).into(),
        error => bad_token(&error.to_string()),
    }
}

fn bad_token(why: &str) -> Bad {
    Failure::BadToken(why.to_owned()).into()
}

fn in_their_words(seconds: i64) -> Result<DateTime<Utc>, Bad> {
    let time = DateTime::from_timestamp(seconds, 0);
    time.ok_or_else(|| {
        Failure::Clock("this server's own time is beyond the calendar".into()).into()
    })
}
