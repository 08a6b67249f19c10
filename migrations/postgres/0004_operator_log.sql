-- What operators did that is no event of one identity: looking people up, listing them, erasing them. `subject` is the
-- identity it was about; an erasure takes it out of all rows.
CREATE TABLE operator_log (
    id       uuid        PRIMARY KEY,
    at       timestamptz NOT NULL,
    operator text        NOT NULL,
    action   text        NOT NULL,
    subject  uuid,
    detail   jsonb       NOT NULL
);

CREATE INDEX operator_log_by_subject ON operator_log (subject, id) WHERE subject IS NOT NULL;
