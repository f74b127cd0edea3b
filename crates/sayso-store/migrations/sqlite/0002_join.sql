-- What an agent last asked for in so many bytes, for the same call to join it.
CREATE TABLE asked (
    workspace  TEXT NOT NULL,
    agent      TEXT NOT NULL,
    digest     BLOB NOT NULL,
    escalation BLOB NOT NULL,
    PRIMARY KEY (workspace, agent, digest)
) WITHOUT ROWID, STRICT;
