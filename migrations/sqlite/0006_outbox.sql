-- What receivers are still to be told: a row an event and receiver, written with the event. Of one record and receiver only
-- the oldest that waits has a `due_at`: the next one gets it when that one is told or given up.
CREATE TABLE outbox (
    -- Never used twice: who was told of a row may say so late.
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The event's.
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    receiver   TEXT    NOT NULL,
    record     INTEGER NOT NULL,
    identity   BLOB    NOT NULL CHECK (length(identity) = 16),
    at         INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER,
    last_error TEXT
) STRICT;

CREATE INDEX outbox_due ON outbox (receiver, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_oldest ON outbox (receiver, seq) WHERE state = 'waiting';
CREATE INDEX outbox_of_record ON outbox (record, receiver, state, seq);
CREATE INDEX outbox_dead ON outbox (receiver, id) WHERE state = 'dead';
