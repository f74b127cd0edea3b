-- Who may do what, and what they are known by, is a fold over the ledger; nothing else says so.
DROP TABLE agent;
DROP TABLE person;
DROP TABLE secret;

CREATE INDEX ledger_workspace ON ledger (workspace, seq) WHERE escalation IS NULL;

-- What helps people to tell their tokens and sessions apart.
CREATE TABLE note (
    workspace TEXT NOT NULL,
    id        BLOB NOT NULL,
    label     TEXT NOT NULL,
    used_at   INTEGER,
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID, STRICT;
