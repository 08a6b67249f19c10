-- What receivers are still to be told: a row an event and receiver, written with the event. Of one record and receiver the
-- oldest that waits is due at a time, the next ones at 'infinity': until that one is told or given up. Whoever adds, changes
-- or takes away a row holds the lock of its record. Rows come and go, so that the places of those that went are soon swept.
CREATE TABLE outbox (
    seq        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The event's.
    id         uuid        NOT NULL,
    receiver   text        NOT NULL,
    record     bigint      NOT NULL,
    identity   uuid        NOT NULL,
    at         timestamptz NOT NULL,
    body       text        NOT NULL,
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    attempts   integer     NOT NULL DEFAULT 0,
    -- NULL: dead.
    due_at     timestamptz,
    last_error text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Not `WHERE state`: a commit that looks for the letters of its records must have one index to choose, or a plan that was
-- made while the table was small would read all that waits.
CREATE INDEX outbox_due ON outbox (receiver, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_oldest ON outbox (receiver, seq) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_of_record ON outbox (record, receiver, state, seq);
CREATE INDEX outbox_dead ON outbox (receiver, id) WHERE state = 'dead';
