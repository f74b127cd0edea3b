-- Who may do what, and what they are known by, is a fold over the ledger; nothing else says so.
DROP TABLE agent;
DROP TABLE person;
DROP TABLE secret;

CREATE INDEX ledger_workspace ON ledger (workspace, seq) WHERE escalation IS NULL;

-- What helps people to tell their tokens and sessions apart.
CREATE TABLE note (
    workspace text COLLATE "C" NOT NULL,
    id        uuid             NOT NULL,
    label     text             NOT NULL,
    used_at   bigint,
    PRIMARY KEY (workspace, id)
);
