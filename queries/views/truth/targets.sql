-- One row per target, that is what a proxy is asked to predict: a metric that has a better side and a priority.
-- `covered`: it has at least half as many architectures as the best covered target. `main` marks the one that a report
-- leads with, of the covered ones that with the smallest priority.
-- Stored: small
WITH ranked AS (
    SELECT
        reference.benchmark,
        reference.space,
        reference.dataset,
        reference.metric,
        reference.epochs,
        reference.source_id,
        reference.source,
        reference.architectures,
        metrics.split,
        metrics.unit,
        metrics.higher_is_better,
        metrics.priority,
        2 * reference.architectures
        >= max(reference.architectures) OVER (PARTITION BY reference.benchmark, reference.space) AS covered
    FROM reference_sources AS reference
    INNER JOIN metrics
        ON
            reference.benchmark = metrics.benchmark
            AND reference.dataset = metrics.dataset
            AND reference.metric = metrics.metric
    WHERE reference.longest AND metrics.higher_is_better IS NOT NULL AND metrics.priority IS NOT NULL
)

SELECT
    *,
    row_number() OVER (
        PARTITION BY benchmark, space
        ORDER BY covered DESC, priority ASC, dataset ASC, metric ASC
    ) = 1 AS main
FROM ranked
