-- Times are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an identity. `facts` is the record as JSON; the other columns are what is searched by.
-- Rows lie in the order they came; the random keys are in narrow indexes. `id` stands for the identity elsewhere.
CREATE TABLE records (
    id         INTEGER PRIMARY KEY,
    identity   BLOB    NOT NULL UNIQUE CHECK (length(identity) = 16),
    version    INTEGER NOT NULL CHECK (version > 0),
    stage      TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    facts      TEXT    NOT NULL
) STRICT;

-- The audit log: every event that was accepted, with the transition it caused.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    dedupe     BLOB    NOT NULL CHECK (length(dedupe) = 32),
    record     INTEGER NOT NULL REFERENCES records (id),
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    cause      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    -- NULL: the event said nothing new.
    version    INTEGER,
    stage_from TEXT,
    stage_to   TEXT,
    -- The process that wrote it, so that the others can look for what they did not write.
    instance   INTEGER NOT NULL
) STRICT;

-- Makes a retry harmless. A delivery is known within its record: a new record's place is at the end of this index,
-- where a key of its own would be anywhere.
CREATE UNIQUE INDEX events_of_record ON events (record, dedupe);

-- Keyed digests of e-mail addresses and the like: for looking a person up.
CREATE TABLE identifiers (
    mac    BLOB    NOT NULL CHECK (length(mac) = 32),
    key    BLOB    NOT NULL CHECK (length(key) = 4),
    record INTEGER NOT NULL REFERENCES records (id),
    PRIMARY KEY (mac, key, record)
) STRICT, WITHOUT ROWID;

-- Deliveries that were authenticated but not understood. Bounded by hook and reason.
CREATE TABLE quarantine (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    dedupe   BLOB    NOT NULL UNIQUE CHECK (length(dedupe) = 32),
    at       INTEGER NOT NULL,
    hook     TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    size     INTEGER NOT NULL,
    -- 'json': allow-listed fields; 'sealed': encrypted; 'none': only time and hash are left.
    kept     TEXT    NOT NULL CHECK (kept IN ('json', 'sealed', 'none')),
    body     BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX quarantine_by_hook ON quarantine (hook, reason, at);
CREATE INDEX quarantine_bodies ON quarantine (hook, reason, at) WHERE body IS NOT NULL;
