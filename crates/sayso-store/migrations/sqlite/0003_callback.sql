-- Where agents are called when something of theirs is settled.
CREATE TABLE callback (
    workspace TEXT NOT NULL,
    agent     TEXT NOT NULL,
    url       TEXT NOT NULL,
    secret    BLOB NOT NULL,
    PRIMARY KEY (workspace, agent)
) WITHOUT ROWID, STRICT;
