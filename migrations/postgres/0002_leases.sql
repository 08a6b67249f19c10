-- Who does what only one instance may do at a time. Whoever dies is followed when `until` has passed, by this server's
-- clock.
CREATE TABLE leases (
    role   text        PRIMARY KEY,
    holder bigint      NOT NULL,
    until  timestamptz NOT NULL
);
