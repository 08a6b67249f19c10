-- Ceremonies of our own that were begun: a challenge is used once, by the session that asked for it, within minutes.
CREATE TABLE ceremonies (
    challenge  bytea       PRIMARY KEY CHECK (length(challenge) = 16),
    identity   uuid        NOT NULL,
    session    bytea       NOT NULL CHECK (length(session) = 16),
    kind       text        NOT NULL,
    state      bytea       NOT NULL,
    handle     text        NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX ceremonies_of_identity ON ceremonies (identity, expires_at);
CREATE INDEX ceremonies_by_age ON ceremonies (expires_at);

-- Passkeys that came of them. None signs anybody in by being here: Kratos has them too, once `imported_at` is set.
CREATE TABLE made_passkeys (
    credential  bytea       PRIMARY KEY CHECK (length(credential) BETWEEN 1 AND 1023),
    identity    uuid        NOT NULL,
    session     bytea       NOT NULL CHECK (length(session) = 16),
    kind        text        NOT NULL,
    public_key  bytea       NOT NULL,
    aaguid      uuid        NOT NULL,
    sign_count  bigint      NOT NULL,
    -- As authenticator data has them: UP 1, UV 4, BE 8, BS 16.
    flags       smallint    NOT NULL,
    -- Separated by commas.
    transports  text        NOT NULL,
    handle      text        NOT NULL,
    name        text        NOT NULL,
    made_at     timestamptz NOT NULL,
    imported_at timestamptz,
    -- Its person, or an operator, took it away: it is never put back.
    removed_at  timestamptz
);

CREATE INDEX made_passkeys_of_identity ON made_passkeys (identity, credential);
