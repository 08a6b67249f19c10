-- Events are numbered in the order in which they were written: nothing more is needed to find the old ones.
SELECT 1;
