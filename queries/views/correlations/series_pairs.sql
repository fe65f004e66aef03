-- One row per score and target with a true value of the architecture: `pairs` with the number of its `series` in the
-- place of the names.
-- Held: in memory
SELECT
    series.number,
    pairs.arch_id,
    pairs.score,
    pairs.truth
FROM pairs
INNER JOIN series
    ON
        pairs.benchmark = series.benchmark
        AND pairs.space = series.space
        AND pairs.dataset = series.dataset
        AND pairs.metric = series.metric
        AND pairs.proxy_id = series.proxy_id
        AND pairs.seed IS NOT DISTINCT FROM series.seed
