-- Times are microseconds since 1970 UTC; listening clocks are microseconds of listening.

CREATE TABLE escalation (
    workspace  TEXT    NOT NULL,
    id         BLOB    NOT NULL,
    agent      TEXT    NOT NULL,
    tier       INTEGER NOT NULL,
    route      TEXT    NOT NULL,
    pending    INTEGER NOT NULL,
    redeemable INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    wake_at    INTEGER,
    wake_heard INTEGER,
    state      TEXT    NOT NULL,
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX escalation_pending ON escalation (workspace, id) WHERE pending = 1;
CREATE INDEX escalation_redeemable ON escalation (workspace, id) WHERE redeemable = 1;
CREATE INDEX escalation_by_agent ON escalation (workspace, agent, id);
CREATE INDEX escalation_wake_at ON escalation (workspace, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX escalation_wake_heard ON escalation (workspace, route, wake_heard)
    WHERE wake_heard IS NOT NULL;

CREATE TABLE ledger (
    seq        INTEGER PRIMARY KEY,
    workspace  TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    escalation BLOB,
    version    INTEGER,
    event      TEXT    NOT NULL,
    body_hash  BLOB
) STRICT;

CREATE UNIQUE INDEX ledger_history ON ledger (workspace, escalation, version)
    WHERE escalation IS NOT NULL;

-- What an entry's body_hash commits to: SHA-256(salt || content). Erasing a row erases the text
-- and leaves the ledger whole.
CREATE TABLE body (
    seq     INTEGER PRIMARY KEY REFERENCES ledger (seq),
    salt    BLOB NOT NULL,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency (
    workspace   TEXT    NOT NULL,
    agent       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    escalation  BLOB    NOT NULL,
    PRIMARY KEY (workspace, agent, key)
) WITHOUT ROWID, STRICT;

CREATE TABLE listening (
    workspace TEXT    NOT NULL,
    route     TEXT    NOT NULL,
    heard     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (workspace, route)
) WITHOUT ROWID, STRICT;

CREATE TABLE silent_grant (
    workspace  TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    rule       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    escalation BLOB    NOT NULL,
    PRIMARY KEY (workspace, agent, rule, at, escalation)
) WITHOUT ROWID, STRICT;

-- What must still be done because of what was committed: `tell` a route's people of an
-- escalation, carry a halt (`freeze`) or its end (`thaw`) to what it covers.
CREATE TABLE outbox (
    workspace  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    route      TEXT NOT NULL,
    id         BLOB NOT NULL,
    PRIMARY KEY (workspace, kind, route, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE halt (
    workspace TEXT    NOT NULL,
    id        BLOB    NOT NULL,
    halt      TEXT    NOT NULL,
    lifted    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE agent (
    workspace TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    key       BLOB    NOT NULL UNIQUE,
    added_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE person (
    workspace TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    roles     TEXT    NOT NULL,
    added_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE secret (
    workspace  TEXT    NOT NULL,
    hash       BLOB    NOT NULL,
    kind       TEXT    NOT NULL,
    person     TEXT    NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (workspace, hash)
) WITHOUT ROWID, STRICT;

CREATE TABLE signing_key (
    workspace TEXT    NOT NULL,
    purpose   TEXT    NOT NULL,
    seed      BLOB    NOT NULL,
    PRIMARY KEY (workspace, purpose)
) WITHOUT ROWID, STRICT;
