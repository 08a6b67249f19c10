-- Events of a file stay in the order in which they were written, also where others were cleaned up.
CREATE INDEX operator_log_by_time ON operator_log (at);
