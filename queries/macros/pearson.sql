-- Aggregate: Pearson's correlation of the rows that have both values, within [-1, 1]; NULL where it is not defined. The
-- rows are taken in the order of their values, so that the sums do not depend on that of threads. Of average ranks it
-- is Spearman's rho, which `spearman_of_ranks` takes faster.
CREATE OR REPLACE MACRO pearson(x, y) AS
CASE
    WHEN isfinite(corr(x, y ORDER BY x, y)) THEN greatest(-1.0, least(1.0, corr(x, y ORDER BY x, y)))
END;
