-- One row per architecture, data set and metric: the true value, which is the mean over seeds in the reference source,
-- at the longest training length.
-- Stored: large
SELECT
    means.benchmark,
    means.space,
    means.arch_id,
    means.dataset,
    means.metric,
    means.epochs,
    means.value,
    means.seeds,
    means.source_id
FROM seed_means AS means
INNER JOIN reference_sources AS reference
    ON
        means.benchmark = reference.benchmark
        AND means.space = reference.space
        AND means.dataset = reference.dataset
        AND means.metric = reference.metric
        AND means.epochs IS NOT DISTINCT FROM reference.epochs
        AND means.source_id = reference.source_id
WHERE reference.longest
