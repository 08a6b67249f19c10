-- How far people come, counted in the transaction that makes it so. `day`: days since 1970-01-01, UTC. `kind` is empty for
-- what has none. `shard` keeps those who commit at once off each other's rows; the sum over them counts.
CREATE TABLE funnel (
    day     INTEGER NOT NULL,
    method  TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    shard   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (day, method, outcome, kind, shard)
) STRICT, WITHOUT ROWID;
