-- Who does what only one process may do at a time. Whoever dies is followed when `until` has passed.
CREATE TABLE leases (
    role   TEXT    NOT NULL PRIMARY KEY,
    holder INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
