-- What operators did that is no event of one identity: looking people up, listing them, erasing them. `subject` is the
-- identity it was about; an erasure takes it out of all rows.
CREATE TABLE operator_log (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at       INTEGER NOT NULL,
    operator TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    subject  BLOB    CHECK (length(subject) = 16),
    detail   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX operator_log_by_subject ON operator_log (subject, id) WHERE subject IS NOT NULL;
