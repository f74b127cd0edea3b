-- Times are microseconds since 1970 UTC; listening clocks are microseconds of listening.
-- JSON is kept as text: jsonb refuses \u0000, which an agent may well send.

CREATE TABLE escalation (
    workspace  text COLLATE "C" NOT NULL,
    id         uuid             NOT NULL,
    agent      text COLLATE "C" NOT NULL,
    tier       smallint         NOT NULL,
    route      text COLLATE "C" NOT NULL,
    pending    boolean          NOT NULL,
    redeemable boolean          NOT NULL,
    version    bigint           NOT NULL,
    wake_at    bigint,
    wake_heard bigint,
    state      text             NOT NULL,
    PRIMARY KEY (workspace, id)
);

CREATE INDEX escalation_pending ON escalation (workspace, id) WHERE pending;
CREATE INDEX escalation_redeemable ON escalation (workspace, id) WHERE redeemable;
CREATE INDEX escalation_by_agent ON escalation (workspace, agent, id);
CREATE INDEX escalation_wake_at ON escalation (workspace, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX escalation_wake_heard ON escalation (workspace, route, wake_heard)
    WHERE wake_heard IS NOT NULL;

-- The sequencer. Its row is locked from when a commit takes its indices until it is done, so that
-- indices have no gaps and are in commit order, whichever server wrote them. `halts` counts the
-- changes of what is halted: a unit of work that began before one must begin anew.
CREATE TABLE ledger_head (
    workspace text COLLATE "C" NOT NULL,
    size      bigint           NOT NULL DEFAULT 0,
    halts     bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace)
) WITH (fillfactor = 10);

CREATE TABLE ledger (
    workspace  text COLLATE "C" NOT NULL,
    seq        bigint           NOT NULL,
    at         bigint           NOT NULL,
    escalation uuid,
    version    bigint,
    event      text             NOT NULL,
    body_hash  bytea,
    PRIMARY KEY (workspace, seq)
);

CREATE UNIQUE INDEX ledger_history ON ledger (workspace, escalation, version)
    WHERE escalation IS NOT NULL;

-- What an entry's body_hash commits to: SHA-256(salt || content). Erasing a row erases the text
-- and leaves the ledger whole.
CREATE TABLE body (
    workspace text COLLATE "C" NOT NULL,
    seq       bigint           NOT NULL,
    salt      bytea            NOT NULL,
    content   bytea            NOT NULL,
    PRIMARY KEY (workspace, seq)
);

-- The key is an agent's own choice of characters, so it is kept as bytes.
CREATE TABLE idempotency (
    workspace   text COLLATE "C" NOT NULL,
    agent       text COLLATE "C" NOT NULL,
    key         bytea            NOT NULL,
    fingerprint bytea            NOT NULL,
    escalation  uuid             NOT NULL,
    PRIMARY KEY (workspace, agent, key)
);

CREATE TABLE listening (
    workspace text COLLATE "C" NOT NULL,
    route     text COLLATE "C" NOT NULL,
    heard     bigint           NOT NULL,
    until     bigint           NOT NULL,
    PRIMARY KEY (workspace, route)
) WITH (fillfactor = 10);

CREATE TABLE silent_grant (
    workspace  text COLLATE "C" NOT NULL,
    agent      text COLLATE "C" NOT NULL,
    rule       text COLLATE "C" NOT NULL,
    at         bigint           NOT NULL,
    escalation uuid             NOT NULL,
    PRIMARY KEY (workspace, agent, rule, at, escalation)
);

-- What must still be done because of what was committed: `tell` a route's people of an
-- escalation, carry a halt (`freeze`) or its end (`thaw`) to what it covers.
CREATE TABLE outbox (
    workspace text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    route     text COLLATE "C" NOT NULL,
    id        uuid             NOT NULL,
    PRIMARY KEY (workspace, kind, route, id)
);

CREATE TABLE halt (
    workspace text COLLATE "C" NOT NULL,
    id        uuid             NOT NULL,
    halt      text             NOT NULL,
    lifted    boolean          NOT NULL DEFAULT false,
    PRIMARY KEY (workspace, id)
);

CREATE INDEX halt_in_force ON halt (workspace, id) WHERE NOT lifted;

CREATE TABLE agent (
    workspace text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    key       bytea            NOT NULL,
    added_at  bigint           NOT NULL,
    PRIMARY KEY (workspace, name),
    UNIQUE (workspace, key)
);

CREATE TABLE person (
    workspace text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    roles     text             NOT NULL,
    added_at  bigint           NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE secret (
    workspace  text COLLATE "C" NOT NULL,
    hash       bytea            NOT NULL,
    kind       text             NOT NULL,
    person     text COLLATE "C" NOT NULL,
    expires_at bigint,
    PRIMARY KEY (workspace, hash)
);

CREATE TABLE signing_key (
    workspace text COLLATE "C" NOT NULL,
    purpose   text COLLATE "C" NOT NULL,
    seed      bytea            NOT NULL,
    PRIMARY KEY (workspace, purpose)
);

-- Fails the transaction unless a statement changed as many rows as it should have. That lets a
-- whole commit, COMMIT included, be sent in one go: PostgreSQL rolls back what has failed.
CREATE FUNCTION sayso_expect(changed bigint, expected bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> expected THEN
        RAISE EXCEPTION 'changed meanwhile: % rows where % were expected', changed, expected
            USING ERRCODE = '40001';
    END IF;
END
$$;
