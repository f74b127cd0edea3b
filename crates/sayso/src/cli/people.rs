//! What there is to type about agents, people, and what they are known by.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sayso_core::Period;

#[derive(Debug, Subcommand)]
pub(crate) enum Agents {
    /// Add an agent, or give one a new key in place of its others; the key is shown once
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Say who owns an agent and what it may propose; what is not said stays as it is
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        terms: Terms,
        /// It may propose any tool
        #[arg(long, conflicts_with = "tools")]
        any_tool: bool,
        /// Nobody owns it
        #[arg(long, conflicts_with = "owner")]
        no_owner: bool,
        /// Its permits take no proof by a key
        #[arg(long, conflicts_with = "confirm")]
        no_confirm: bool,
    },
    /// Give an agent a new key; its others work on for a while. The key is shown once
    Rotate {
        /// Its name
        name: String,
        /// How long the others work on
        #[arg(long, default_value = "1h", value_name = "LENGTH")]
        overlap: Period,
    },
    /// End an agent, with all its keys
    Revoke {
        /// Its name
        name: String,
    },
    /// Call an agent at an address when something of its is settled; what calls are signed with is
    /// shown once
    Callback {
        /// Its name
        name: String,
        /// Where to post to, http or https
        #[arg(required_unless_present = "remove")]
        url: Option<String>,
        /// Call it no more
        #[arg(long, conflicts_with = "url")]
        remove: bool,
    },
    /// All agents
    List,
}

/// What holds for an agent.
#[derive(Debug, Args)]
pub(crate) struct Terms {
    /// The person who owns it, and answers for what it does
    #[arg(long, value_name = "PERSON")]
    pub(crate) owner: Option<String>,
    /// A tool that it may propose, or a glob; may be given several times [default: any tool]
    #[arg(long = "tool", value_name = "GLOB")]
    pub(crate) tools: Vec<String>,
    /// Its permits take a proof by this key, besides its own key: a thumbprint, or a public JWK
    /// (`sayso key make`)
    #[arg(long, value_name = "KEY")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reviewers {
    /// Add a person, or give one new roles and a new token; both secrets are shown once
    Add {
        /// Their name
        name: String,
        #[command(flatten)]
        may: May,
    },
    /// Say what a person may do from now on
    Set {
        /// Their name
        name: String,
        #[command(flatten)]
        may: May,
    },
    /// Remove a person, with all that they are known by
    Remove {
        /// Their name
        name: String,
    },
    /// Make an invitation: whoever opens the link first joins, within three days
    Invite {
        #[command(flatten)]
        may: May,
    },
    /// Have somebody stand in for a person who is out
    Cover {
        /// Who is out
        away: String,
        /// Who stands in
        stand_in: String,
        /// For how long
        #[arg(long = "for", default_value = "7d", value_name = "LENGTH")]
        lasts: Period,
        /// They are back: end it
        #[arg(long, conflicts_with = "lasts")]
        end: bool,
    },
    /// People's own SSH keys, to sign with
    #[command(subcommand)]
    Key(PeoplesKeys),
    /// Let a person who is here log in at the identity provider, too; their roles stay as they are
    Link {
        /// Their name
        name: String,
        /// The provider, exactly as it calls itself
        issuer: String,
        /// What it calls the person, for ever (the claim `sub`)
        subject: String,
    },
    /// A new one-time login link
    Login {
        /// Whose
        name: String,
    },
    /// All people
    List,
}

/// What a person may do.
#[derive(Debug, Args)]
pub(crate) struct May {
    /// reviewer, `policy_admin`, auditor or owner; may be given several times
    #[arg(long = "role", default_value = "reviewer", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// A group that they are in; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Make a token, shown once
    Issue {
        #[command(flatten)]
        whose: Whose,
        /// What to call it
        #[arg(default_value = "command line")]
        label: String,
        /// What it is good for: read, decide, policy or administer; may be given several times
        #[arg(long = "scope", value_name = "SCOPE", default_values = ["read", "decide"])]
        scopes: Vec<String>,
        /// How long it works
        #[arg(long = "for", default_value = "90d", value_name = "LENGTH")]
        lasts: Period,
    },
    /// The tokens in force
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// End a token
    Revoke {
        #[command(flatten)]
        whose: Whose,
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// The sessions in force
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// End a session
    Revoke {
        #[command(flatten)]
        whose: Whose,
        /// Its id
        id: String,
    },
}

/// Whose tokens and sessions: the caller's, by the server; or anybody's, on the data itself.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// This person's, by the data folder or the database, as its operator
    #[arg(long, value_name = "PERSON")]
    pub(crate) reviewer: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Sign with another key from now on; what the one before it signed stays good
    Rotate {
        /// Which key
        which: SigningKey,
        /// The folder of the signing keys [default: keys in the data folder; with --database, the
        /// database]
        #[arg(long, env = "SAYSO_KEYS", value_name = "DIR")]
        keys: Option<PathBuf>,
    },
    /// Make a confirmation key for an executor: the private key goes into the file, and the public
    /// one is printed, for `sayso agent set NAME --confirm KEY`
    Make {
        /// The file, which must not be there yet
        file: PathBuf,
    },
}

/// A key that the server signs with.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum SigningKey {
    /// The one that permits are signed with
    Permit,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeoplesKeys {
    /// Offer an SSH key; it counts once somebody vouches for it
    Add {
        /// The key: its .pub file, or the private key beside it
        file: PathBuf,
        /// This person's, by the data folder or the database, as its operator
        #[arg(long, value_name = "PERSON")]
        reviewer: Option<String>,
    },
    /// All people's keys
    List,
    /// Say by a signature that a key is its person's: compare its fingerprint with them first
    Vouch {
        /// The key: its fingerprint, or the first digits of its id
        key: String,
        /// With this SSH key of yours, which counts already
        #[arg(long, value_name = "KEYFILE", required_unless_present_any = ["organisation", "first"])]
        sign: Option<PathBuf>,
        /// With this SSH key of the organisation's, on the data itself
        #[arg(long, value_name = "KEYFILE", conflicts_with = "sign")]
        organisation: Option<PathBuf>,
        /// With none, on the data itself: it is the very first key of all
        #[arg(long, conflicts_with_all = ["sign", "organisation"])]
        first: bool,
    },
    /// Revoke a key; what it signed before stays signed
    Revoke {
        /// The key: its fingerprint, or the first digits of its id
        key: String,
    },
}
