-- One row per target, that is what a proxy is asked to predict: a metric that has a better side and a priority.
-- `family`: the kind of property, which is quality or another (robustness, latency, ...); `condition`: under which
-- circumstances, where there are several. `covered`: it has at least half as many architectures as the best covered
-- target of its family. `leads`: it is of the family that a report leads with, which is quality where it is measured,
-- else that of the covered target with the smallest priority. `main` marks the one target that leads, of the covered
-- ones that with the smallest priority.
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
        coalesce(metrics.family, 'quality') AS family,
        metrics.condition,
        2 * reference.architectures
        >= max(reference.architectures)
            OVER (PARTITION BY reference.benchmark, reference.space, coalesce(metrics.family, 'quality'))
            AS covered
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
    family = first_value(family) OVER importance AS leads,
    row_number() OVER importance = 1 AS main
FROM ranked
WINDOW importance AS (
    PARTITION BY benchmark, space
    ORDER BY family = 'quality' DESC, covered DESC, priority ASC, dataset ASC, metric ASC
)
