-- Where agents are called when something of theirs is settled.
CREATE TABLE callback (
    workspace text COLLATE "C" NOT NULL,
    agent     text COLLATE "C" NOT NULL,
    url       text             NOT NULL,
    secret    bytea            NOT NULL,
    PRIMARY KEY (workspace, agent)
);
