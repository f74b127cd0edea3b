-- Of a row WITHOUT ROWID, SQLite keeps a quarter of a page in place; the rest takes a page of its
-- own, written with every commit. An escalation's state is longer than that; as a row of an
-- ordinary table it has nearly a page.
ALTER TABLE escalation RENAME TO escalation_narrow;

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
) STRICT;

INSERT INTO escalation
    SELECT workspace, id, agent, tier, route, pending, redeemable, version, wake_at, wake_heard, state
    FROM escalation_narrow ORDER BY workspace, id;
DROP TABLE escalation_narrow;

CREATE INDEX escalation_pending ON escalation (workspace, id) WHERE pending = 1;
CREATE INDEX escalation_redeemable ON escalation (workspace, id) WHERE redeemable = 1;
CREATE INDEX escalation_by_agent ON escalation (workspace, agent, id);
CREATE INDEX escalation_wake_at ON escalation (workspace, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX escalation_wake_heard ON escalation (workspace, route, wake_heard)
    WHERE wake_heard IS NOT NULL;
