//! Whom each door is for.

use sayso_core::credential::Role;

/// What a door takes of whoever comes.
pub(super) enum Takes {
    /// Nothing: what is behind it is for all, or the address is the secret.
    Nothing,
    /// An agent's key.
    Agents,
    /// An agent's key, or a person's token.
    Anyone,
    /// A person's token: whoever has any role reads.
    People,
    /// A person's token that administers: it changes what they themselves are known by.
    Own,
    /// A token that is good for that, of a person with that role.
    Role(Role),
    /// The same for the policy; or an agent's key, and then the permit.
    PolicyOrPermit,
    /// A token, and an enrolled key of the person's own besides, which nobody here has.
    OwnKey,
    /// A session of a person with one of these roles.
    Page(&'static [Role]),
    /// The same, and a form of a page of that session.
    Form(&'static [Role]),
}

impl Takes {
    pub(super) fn is_for_agents(&self) -> bool {
        matches!(self, Self::Agents | Self::Anyone | Self::PolicyOrPermit)
    }

    pub(super) fn is_for_bearers(&self) -> bool {
        match self {
            Self::Anyone
            | Self::People
            | Self::Own
            | Self::Role(_)
            | Self::PolicyOrPermit
            | Self::OwnKey => true,
            Self::Nothing | Self::Agents | Self::Page(_) | Self::Form(_) => false,
        }
    }

    pub(super) fn is_for_browsers(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Form(_))
    }
}

/// A door, and what to knock with: enough to be let in by who may.
pub(super) struct Door {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    pub(super) takes: Takes,
}

impl Door {
    /// Whether it is one for browsers.
    pub(super) fn is_page(&self) -> bool {
        let pages = ["/inbox", "/login", "/logout", "/join"];
        self.path == "/" || pages.iter().any(|page| self.path.starts_with(page))
    }
}

const ANY: &[Role] = &Role::ALL;
const OWNER: &[Role] = &[Role::Owner];
const REVIEWER: &[Role] = &[Role::Reviewer];
/// Only for whoever it belongs to, and here that is somebody else; or it takes a passkey, too.
const NOBODY_HERE: &[Role] = &[];

const fn door(method: &'static str, path: &'static str, body: &'static str, takes: Takes) -> Door {
    Door { method, path, body, takes }
}

const fn get(path: &'static str, takes: Takes) -> Door {
    door("GET", path, "", takes)
}

const fn post(path: &'static str, body: &'static str, takes: Takes) -> Door {
    door("POST", path, body, takes)
}

const fn put(path: &'static str, body: &'static str, takes: Takes) -> Door {
    door("PUT", path, body, takes)
}

const fn delete(path: &'static str, takes: Takes) -> Door {
    door("DELETE", path, "", takes)
}

use Takes::{Agents, Anyone, Form, Nothing, Own, OwnKey, Page, People, PolicyOrPermit};

const OWNS: Takes = Takes::Role(Role::Owner);
const DECIDES: Takes = Takes::Role(Role::Reviewer);

/// All of them. What stands in braces is filled in with something new for each knock; in a body,
/// `$id` is that, `$new` a name that nobody has, `$key` a key that nobody has, `$enrolment` what is
/// signed to vouch for the key in the path.
pub(super) const DOORS: &[Door] = &[
    get("/v1/escalations", Anyone),
    post("/v1/escalations", r#"{"action": {"tool": "note"}}"#, Agents),
    post("/v1/escalations/batch", r#"{"items": [{"action": {"tool": "note"}}]}"#, Agents),
    get("/v1/escalations/{id}", Anyone),
    post("/v1/escalations/{id}/withdraw", "", Agents),
    post("/v1/escalations/{id}/decisions", r#"{"decision": "deny"}"#, DECIDES),
    post("/v1/escalations/{id}/statements", r#"{"decision": "approve", "key": "$hex"}"#, OwnKey),
    delete("/v1/escalations/{id}/texts", OWNS),
    post("/v1/permits/redeem", r#"{"permit": "a.b.c"}"#, Agents),
    post("/v1/permits/{id}/receipt", r#"{"result": "succeeded"}"#, Agents),
    get("/v1/events", Anyone),
    get("/v1/halts", Anyone),
    post("/v1/halts", r#"{"tool": "$new"}"#, DECIDES),
    delete("/v1/halts/{id}", DECIDES),
    get("/v1/ledger/entries", People),
    get("/v1/ledger/key", Nothing),
    get("/v1/ledger/checkpoint", Nothing),
    get("/v1/ledger/checkpoint/cosigned", Nothing),
    get("/v1/ledger/tile/{*path}", People),
    get("/v1/ledger/bodies", People),
    get("/v1/ledger/proof/inclusion", People),
    get("/v1/ledger/proof/consistency", People),
    get("/v1/policy", Anyone),
    put("/v1/policy", r#"{"policy": "default_tier = \"hard\"\n"}"#, PolicyOrPermit),
    get("/v1/me", Anyone),
    get("/v1/people", People),
    post("/v1/people", r#"{"name": "$new", "roles": ["owner"]}"#, OWNS),
    get("/v1/people/{name}", People),
    put("/v1/people/{name}", r#"{"roles": ["auditor"]}"#, OWNS),
    delete("/v1/people/{name}", OWNS),
    put("/v1/people/{name}/cover", r#"{"stand_in": "bo", "until": "2999-01-01T00:00:00Z"}"#, OWNS),
    delete("/v1/people/{name}/cover/{stand_in}", OWNS),
    get("/v1/invitations", People),
    post("/v1/invitations", r#"{"roles": ["owner"]}"#, OWNS),
    delete("/v1/invitations/{id}", OWNS),
    get("/v1/agents", People),
    post("/v1/agents", r#"{"name": "$new"}"#, OWNS),
    get("/v1/agents/{name}", People),
    put("/v1/agents/{name}", r#"{"tools": ["note"]}"#, OWNS),
    delete("/v1/agents/{name}", OWNS),
    put("/v1/agents/{name}/confirmation", r#"{"key": null}"#, OWNS),
    post("/v1/agents/{name}/keys", r#"{"overlap": "1h"}"#, OWNS),
    get("/v1/keys", People),
    post("/v1/keys", r#"{"public_key": "$key"}"#, Own),
    delete("/v1/keys/{id}", OWNS),
    post("/v1/keys/{id}/statements", r#"{"by": "$id"}"#, People),
    post(
        "/v1/keys/{id}/countersignatures",
        r#"{"statement": $enrolment, "proof": {"kind": "ssh", "signature": ""}}"#,
        Own,
    ),
    get("/v1/tokens", People),
    post("/v1/tokens", r#"{"scopes": ["read"]}"#, Own),
    delete("/v1/tokens/{id}", OWNS),
    get("/v1/sessions", People),
    delete("/v1/sessions/{id}", OWNS),
    get("/problems/{slug}", Nothing),
    get("/healthz", Nothing),
    get("/readyz", Nothing),
    get("/metrics", Nothing),
    get("/.well-known/jwks.json", Nothing),
    get("/openapi.json", Nothing),
    door("*", "/mcp", r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#, Agents),
    get("/", Nothing),
    get("/login", Nothing),
    post("/login/passkey", "", Nothing),
    get("/login/oidc", Nothing),
    get("/login/oidc/callback", Nothing),
    get("/login/{token}", Nothing),
    post("/login/{token}", "", Nothing),
    get("/join/{token}", Nothing),
    post("/join/{token}", "name=$new", Nothing),
    get("/inbox/assets/{name}", Nothing),
    get("/inbox", Page(ANY)),
    get("/inbox/events", Page(ANY)),
    get("/inbox/history", Page(ANY)),
    get("/inbox/{id}", Page(ANY)),
    post("/inbox/{id}/statements", "decision=approve", Form(NOBODY_HERE)),
    post("/inbox/{id}/decisions", "decision=deny", Form(REVIEWER)),
    get("/inbox/halts", Page(ANY)),
    post("/inbox/halts", "scope=tool&name=$new", Form(REVIEWER)),
    post("/inbox/halts/{id}/lift", "", Form(REVIEWER)),
    get("/inbox/people", Page(OWNER)),
    post("/inbox/people/invite", "role=owner", Form(OWNER)),
    post("/inbox/people/invitations/{id}/end", "", Form(OWNER)),
    post("/inbox/people/{name}/set", "role=auditor", Form(OWNER)),
    post("/inbox/people/{name}/remove", "", Form(OWNER)),
    get("/inbox/me", Page(ANY)),
    post("/inbox/me/tokens", "scope=read&lasts=1d", Form(ANY)),
    post("/inbox/me/tokens/{id}/revoke", "", Form(OWNER)),
    post("/inbox/me/sessions/{id}/end", "", Form(OWNER)),
    get("/inbox/keys", Page(ANY)),
    post("/inbox/keys/passkeys", "", Form(ANY)),
    post("/inbox/keys/ssh", "public_key=$key", Form(ANY)),
    post("/inbox/keys/{id}/revoke", "", Form(ANY)),
    post("/inbox/keys/{id}/root", "", Form(NOBODY_HERE)),
    post("/inbox/keys/{id}/countersign", "", Form(ANY)),
    get("/inbox/sign", Page(ANY)),
    post("/inbox/sign", "", Form(ANY)),
    post("/inbox/sign/statements", "approve=x", Form(ANY)),
    post("/logout", "", Form(ANY)),
];
