-- Aggregate: the mean of the values of several training seeds, with 12 significant digits, so that means that are equal
-- in exact arithmetic are equal and tie; a value that is no mean of others stays as it is.
CREATE OR REPLACE MACRO seed_mean(value) AS
CASE WHEN min(value) = max(value) THEN min(value) ELSE significant(list_avg(list(value ORDER BY value))) END;
