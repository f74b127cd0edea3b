-- The entry's leaf hash, made when it is appended. Who changes a row later changes no leaf.
ALTER TABLE ledger ADD COLUMN leaf BLOB;

-- Tiles of the ledger's tree, 256 hashes side by side: of the leaves the full ones, of the levels
-- above also what there is of the last one.
CREATE TABLE tile (
    workspace TEXT    NOT NULL,
    level     INTEGER NOT NULL,
    place     INTEGER NOT NULL,
    hashes    BLOB    NOT NULL,
    PRIMARY KEY (workspace, level, place)
) STRICT;

-- How far the tree has grown, the signed note of that head, and the newest one that witnesses have
-- cosigned.
CREATE TABLE sealed (
    workspace TEXT    NOT NULL,
    size      INTEGER NOT NULL,
    note      TEXT    NOT NULL,
    cosigned  TEXT,
    PRIMARY KEY (workspace)
) STRICT;

-- Logs that ended because a person let a restored backup go on under a new key.
CREATE TABLE retired_log (
    workspace TEXT NOT NULL,
    origin    TEXT NOT NULL,
    PRIMARY KEY (workspace, origin)
) STRICT;
