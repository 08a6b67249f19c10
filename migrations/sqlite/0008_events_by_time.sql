-- Rows of a file stay in the order in which they were written, also where others were cleaned up.
SELECT 1;
