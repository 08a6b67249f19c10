-- How far people come, counted in the transaction that makes it so. `day`: days since 1970-01-01, UTC. `kind` is empty for
-- what has none. `shard` keeps those who commit at once off each other's rows; the sum over them counts.
CREATE TABLE funnel (
    day     integer NOT NULL,
    method  text    NOT NULL,
    outcome text    NOT NULL,
    kind    text    NOT NULL,
    shard   integer NOT NULL,
    n       bigint  NOT NULL,
    PRIMARY KEY (day, method, outcome, kind, shard)
) WITH (fillfactor = 50);
