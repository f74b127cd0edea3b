//! Why a key or a signature is not taken.

/// A public key that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not base64url without padding.
    #[error("not base64url without padding")]
    NotBase64Url,
    /// Not a COSE key as authenticators write it.
    #[error("not a COSE public key: {0}")]
    NotCose(&'static str),
    /// A kind of key that is not taken.
    #[error("keys of the kind {found} are not taken; {taken} are")]
    Kind {
        /// What it is, as far as it says so.
        found: String,
        /// What would be taken.
        taken: &'static str,
    },
    /// Not a point of the curve, or one whose signatures prove nothing.
    #[error("the key is no sound point of its curve")]
    Point,
    /// Not a line of an OpenSSH `.pub` file.
    #[error("not an OpenSSH public key (one line of a .pub file): {0}")]
    NotSsh(&'static str),
    /// A credential id has 1 to 1,023 bytes.
    #[error("a credential id has 1 to 1,023 bytes")]
    CredentialId,
    /// A name that no relying party can have.
    #[error("{0:?} can't be a relying party's id: that is a host's name in lower case")]
    RelyingParty(String),
    /// An origin that doesn't belong to the relying party.
    #[error("{origin:?} is not an origin of {rp}: https://…, or http://localhost with any port")]
    Origin {
        /// What was given.
        origin: String,
        /// The relying party's id.
        rp: String,
    },
}

/// A signature that doesn't prove what it is held to prove.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// A passkey was asked and an SSH key answered, or the other way round.
    #[error("the proof is of another kind than the key")]
    OtherKind,
    /// Larger than any honest one.
    #[error("{part} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        part: &'static str,
        /// The most bytes it may have.
        limit: usize,
    },
    /// Ends early, goes on too long, or is not of its format.
    #[error("{part} can't be read: {why}")]
    Malformed {
        /// What can't be read.
        part: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Made for another ceremony: a login is no registration.
    #[error("the browser's data are of the type {found:?}, not {wanted:?}")]
    Type {
        /// The type there.
        found: String,
        /// The type wanted.
        wanted: &'static str,
    },
    /// Signs something else.
    #[error("the signature is over another challenge")]
    Challenge,
    /// Made on another site.
    #[error("the signature was made at the origin {0:?}, which is not ours")]
    Origin(String),
    /// Made within another site's page.
    #[error("the signature was made within another site's page")]
    CrossOrigin,
    /// Made for another relying party.
    #[error("the signature was made for another relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody was present at the key")]
    NotPresent,
    /// The authenticator didn't check who it was (PIN, fingerprint, face).
    #[error("the authenticator did not verify the person (PIN, fingerprint or face)")]
    NotVerified,
    /// Flags that can't stand together, or that this ceremony doesn't have.
    #[error("the authenticator's flags contradict each other")]
    Flags,
    /// The key that was made can't be taken.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// Made for another use.
    #[error("the signature's namespace is {found:?}, not {wanted:?}")]
    Namespace {
        /// The namespace there.
        found: String,
        /// The namespace wanted.
        wanted: &'static str,
    },
    /// Made by another key than the one it is held against.
    #[error("the signature is by another key")]
    OtherKey,
    /// An algorithm other than the key's, or one that is not taken.
    #[error("the signature's algorithm {0:?} is not the key's")]
    Algorithm(String),
    /// Not one of those that were signed at once.
    #[error("the statement is not among those that were signed at once")]
    NotInBatch,
    /// The signature doesn't fit the bytes and the key.
    #[error("the signature does not fit")]
    Signature,
}

impl BadProof {
    pub(super) const fn malformed(part: &'static str, why: &'static str) -> Self {
        Self::Malformed { part, why }
    }
}
