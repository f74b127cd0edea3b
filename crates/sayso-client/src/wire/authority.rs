//! Who may do what: people, agents, tokens, sessions, invitations.

use serde::{Deserialize, Serialize};

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Their name.
    pub name: String,
    /// What they may do: `reviewer`, `policy_admin`, `auditor`, `owner`.
    pub roles: Vec<String>,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// Whom they stand in for.
    pub stands_in_for: Vec<String>,
    /// Since when they are here.
    pub since: String,
}

/// All people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct People {
    /// The people, by name.
    pub items: Vec<Person>,
}

/// `POST /v1/people`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddPerson {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub roles: Vec<String>,
    /// The groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A person who was added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedPerson {
    /// Their name.
    pub name: String,
    /// Where they log in, once, within a day. Shown this once.
    pub login_url: String,
}

/// `PUT /v1/people/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPerson {
    /// What they may do from now on.
    pub roles: Vec<String>,
    /// The groups that they are in from now on.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// `PUT /v1/people/{name}/cover`: somebody stands in for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Who stands in.
    pub stand_in: String,
    /// Until when.
    pub until: String,
}

/// `POST /v1/invitations`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What whoever accepts it may do.
    pub roles: Vec<String>,
    /// The groups that they will be in.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An invitation that was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invited {
    /// Its id.
    pub id: String,
    /// Where it is accepted, once. Shown this once.
    pub invite_url: String,
    /// Until when.
    pub until: String,
}

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// What whoever accepts it may do.
    pub roles: Vec<String>,
    /// The groups that they will be in.
    pub groups: Vec<String>,
    /// Who invites.
    pub by: String,
    /// Until when.
    pub until: String,
}

/// All invitations in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitations {
    /// The invitations, oldest first.
    pub items: Vec<Invitation>,
}

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Who owns it, and answers for what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The tools that it may propose, as globs; any, if none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The thumbprint of the key that its permits take a proof by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Its keys in force.
    pub keys: Vec<AgentKey>,
    /// Since when it is here.
    pub since: String,
}

/// An agent's key, without its secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentKey {
    /// Its id.
    pub id: String,
    /// Since when it works.
    pub since: String,
    /// Until when it works; until it is ended, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// All agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agents {
    /// The agents, by name.
    pub items: Vec<Agent>,
}

/// `POST /v1/agents`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddAgent {
    /// Its name.
    pub name: String,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The tools that it may propose, as globs; any, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// `PUT /v1/agents/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetAgent {
    /// Who owns it from now on; nobody, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The tools that it may propose from now on; any, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
}

/// `PUT /v1/agents/{name}/confirmation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmAgent {
    /// The key that its permits take a proof by from now on: its thumbprint (RFC 7638), or a public
    /// JWK as text. None takes the agent's credential alone.
    pub key: Option<String>,
}

/// `POST /v1/agents/{name}/keys`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long its other keys work on, like `1h`; not at all, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<String>,
}

/// An agent's new key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewKey {
    /// The agent.
    pub name: String,
    /// Its key. Shown this once.
    pub token: String,
}

/// `POST /v1/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IssueToken {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is good for: `read`, `decide`, `policy`, `administer`.
    pub scopes: Vec<String>,
    /// How long it works, like `90d`; until it is revoked, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
}

/// A token that was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    /// Its id.
    pub id: String,
    /// The token. Shown this once.
    pub token: String,
    /// Until when it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A token, without its secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What its person calls it.
    pub label: String,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// About when it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// Whether it is the one that this was asked with.
    pub current: bool,
}

/// A person's tokens in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tokens {
    /// The tokens, oldest first.
    pub items: Vec<Token>,
}

/// A browser that is logged in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The browser, as it calls itself.
    pub browser: String,
    /// How it was logged in: `link`, `invitation`, `passkey`, `provider`.
    pub how: String,
    /// Since when.
    pub since: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// About when it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// Whether it is the one that this was asked with.
    pub current: bool,
}

/// A person's sessions in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// The sessions, oldest first.
    pub items: Vec<Session>,
}
