-- The entry's leaf hash, made when it is appended. Who changes a row later changes no leaf.
ALTER TABLE ledger ADD COLUMN leaf bytea;

-- Tiles of the ledger's tree, 256 hashes side by side: of the leaves the full ones, of the levels
-- above also what there is of the last one.
CREATE TABLE tile (
    workspace text COLLATE "C" NOT NULL,
    level     smallint         NOT NULL,
    place     bigint           NOT NULL,
    hashes    bytea            NOT NULL,
    PRIMARY KEY (workspace, level, place)
);

-- How far the tree has grown, the signed note of that head, and the newest one that witnesses have
-- cosigned.
CREATE TABLE sealed (
    workspace text COLLATE "C" NOT NULL,
    size      bigint           NOT NULL DEFAULT 0,
    note      text             NOT NULL DEFAULT '',
    cosigned  text,
    PRIMARY KEY (workspace)
) WITH (fillfactor = 10);

-- Logs that ended because a person let a restored backup go on under a new key.
CREATE TABLE retired_log (
    workspace text COLLATE "C" NOT NULL,
    origin    text COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, origin)
);
