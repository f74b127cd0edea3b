//! Why somebody was not logged in. What is for the person is in the words; what only the operator
//! should see goes to the log where it happens.

/// Why a login came to nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider can't be reached, or its answers can't be used.
    #[error("the provider can't be reached, or its answers can't be used: {0}")]
    Unreachable(String),
    /// The provider describes itself in a way that is not safe to use.
    #[error("the provider describes itself in a way that can't be used: {0}")]
    Unusable(String),
    /// The browser did not begin this login, or long ago.
    #[error("this browser did not begin that login, or too long ago")]
    NotBegun,
    /// The answer is another provider's.
    #[error("the answer is another provider's")]
    OtherProvider,
    /// The person, or the provider, said no.
    #[error("the provider says no")]
    Denied,
    /// The provider refused for a reason of its own: an error code of OAuth's.
    #[error("the provider answered `{0}`")]
    Refused(String),
    /// The ID token's times do not fit ours.
    #[error("the ID token's times do not fit this server's clock: {0}")]
    Clock(String),
    /// The ID token does not prove what it should.
    #[error("the ID token is not good: {0}")]
    BadToken(String),
    /// The provider knows the person's groups, and did not tell.
    #[error("the provider left the groups out because there are too many")]
    GroupsLeftOut,
}
