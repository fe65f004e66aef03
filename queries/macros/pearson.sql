-- Aggregate: Pearson's correlation of the rows that have both values, within [-1, 1]; NULL where it is not defined. Of
-- average ranks it is Spearman's rho.
CREATE OR REPLACE MACRO pearson(x, y) AS
CASE WHEN isfinite(corr(x, y)) THEN greatest(-1.0, least(1.0, corr(x, y))) END;
