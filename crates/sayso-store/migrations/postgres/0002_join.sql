-- What an agent last asked for in so many bytes, for the same call to join it.
CREATE TABLE asked (
    workspace  text COLLATE "C" NOT NULL,
    agent      text COLLATE "C" NOT NULL,
    digest     bytea            NOT NULL,
    escalation uuid             NOT NULL,
    PRIMARY KEY (workspace, agent, digest)
);
