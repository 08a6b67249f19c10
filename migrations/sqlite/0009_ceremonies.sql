-- Ceremonies of our own that were begun: a challenge is used once, by the session that asked for it, within minutes.
CREATE TABLE ceremonies (
    challenge  BLOB    NOT NULL PRIMARY KEY CHECK (length(challenge) = 16),
    identity   BLOB    NOT NULL CHECK (length(identity) = 16),
    session    BLOB    NOT NULL CHECK (length(session) = 16),
    kind       TEXT    NOT NULL,
    state      BLOB    NOT NULL,
    handle     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ceremonies_of_identity ON ceremonies (identity, expires_at);
CREATE INDEX ceremonies_by_age ON ceremonies (expires_at);

-- Passkeys that came of them. None signs anybody in by being here: Kratos has them too, once `imported_at` is set.
CREATE TABLE made_passkeys (
    credential  BLOB    NOT NULL PRIMARY KEY CHECK (length(credential) BETWEEN 1 AND 1023),
    identity    BLOB    NOT NULL CHECK (length(identity) = 16),
    session     BLOB    NOT NULL CHECK (length(session) = 16),
    kind        TEXT    NOT NULL,
    public_key  BLOB    NOT NULL,
    aaguid      BLOB    NOT NULL CHECK (length(aaguid) = 16),
    sign_count  INTEGER NOT NULL,
    -- As authenticator data has them: UP 1, UV 4, BE 8, BS 16.
    flags       INTEGER NOT NULL,
    -- Separated by commas.
    transports  TEXT    NOT NULL,
    handle      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    made_at     INTEGER NOT NULL,
    imported_at INTEGER,
    -- Its person, or an operator, took it away: it is never put back.
    removed_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX made_passkeys_of_identity ON made_passkeys (identity, credential);
