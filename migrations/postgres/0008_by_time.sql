-- A block range index stops telling pages apart once new events take the place of those that were cleaned up: each batch
-- would look at nearly all that is there. A new event comes at the end of this one.
DROP INDEX events_by_age;
CREATE INDEX events_by_time ON events (at);
CREATE INDEX operator_log_by_time ON operator_log (at);
