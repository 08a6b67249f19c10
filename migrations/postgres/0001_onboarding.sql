CREATE TABLE meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- One row an identity. `facts` is the record as JSON; the other columns are what is searched by. `id` stands for the
-- identity elsewhere. Room is left on each page, so that a changed record stays on its own.
CREATE TABLE records (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity   uuid        NOT NULL UNIQUE,
    version    bigint      NOT NULL CHECK (version > 0),
    stage      text        NOT NULL,
    changed_at timestamptz NOT NULL,
    facts      jsonb       NOT NULL
) WITH (fillfactor = 85);

-- `record` below is an id that the same transaction read or was given. A foreign key would say the same for the price of
-- another look at and another lock of every row, a fifth of what a registration costs.

-- The audit log: every event that was accepted, with the transition it caused. The key makes a retry harmless. A delivery
-- is known within its record: a new record's place is at the end of this index, where a key of its own would be anywhere.
CREATE TABLE events (
    -- In the order of one record; of several records it says nothing.
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    id         uuid        NOT NULL,
    dedupe     bytea       NOT NULL CHECK (length(dedupe) = 32),
    record     bigint      NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    cause      text        NOT NULL,
    kind       text        NOT NULL,
    detail     jsonb       NOT NULL,
    -- NULL: the event said nothing new.
    version    bigint,
    stage_from text,
    stage_to   text,
    PRIMARY KEY (record, dedupe)
);

-- Keyed digests of e-mail addresses and the like: for looking a person up.
CREATE TABLE identifiers (
    mac    bytea  NOT NULL CHECK (length(mac) = 32),
    key    bytea  NOT NULL CHECK (length(key) = 4),
    record bigint NOT NULL,
    PRIMARY KEY (mac, key, record)
);

-- Deliveries that were authenticated but not understood. Bounded by hook and reason.
CREATE TABLE quarantine (
    id       uuid        PRIMARY KEY,
    dedupe   bytea       NOT NULL UNIQUE CHECK (length(dedupe) = 32),
    at       timestamptz NOT NULL,
    hook     text        NOT NULL,
    reason   text        NOT NULL,
    sha256   bytea       NOT NULL CHECK (length(sha256) = 32),
    size     bigint      NOT NULL,
    -- 'json': allow-listed fields; 'sealed': encrypted; 'none': only time and hash are left.
    kept     text        NOT NULL CHECK (kept IN ('json', 'sealed', 'none')),
    body     bytea
);

CREATE INDEX quarantine_by_hook ON quarantine (hook, reason, at);
CREATE INDEX quarantine_bodies ON quarantine (hook, reason, at) WHERE body IS NOT NULL;

-- What the writers committed in the last minutes, so that every instance hears of what the others wrote. A writer is one
-- connection of one instance and counts its commits, so a reader that knows how far it came with each writer misses none,
-- in whatever order they became visible.
CREATE TABLE commits (
    writer     bigint      NOT NULL,
    n          bigint      NOT NULL CHECK (n > 0),
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    identities uuid[]      NOT NULL,
    PRIMARY KEY (writer, n)
);

CREATE INDEX commits_by_age ON commits (at);
