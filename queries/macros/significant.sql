-- A number rounded to 12 significant digits. Sums of floats that are equal in exact arithmetic can differ in the
-- sixteenth digit; rounded they are equal, so that they tie where they are ranked.
CREATE OR REPLACE MACRO significant(x) AS
CASE WHEN isfinite(x) AND x <> 0 THEN round(x, 11 - floor(log10(abs(x)))::INTEGER) ELSE x END;
