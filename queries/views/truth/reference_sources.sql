-- One row per data set, metric and training length: the one source that is the ground truth, which is the source with
-- the most architectures, then the most values, then the smallest name, then the last that was ingested: a table that
-- was corrected. Sources are never mixed. `longest` marks the training length that stands for the metric: the longest
-- among those that reach half of the architectures of the best covered.
-- Stored: small
WITH counted AS (
    SELECT
        any_value(benchmark) AS benchmark,
        any_value(space) AS space,
        any_value(dataset) AS dataset,
        any_value(metric) AS metric,
        any_value(epochs) AS epochs,
        any_value(source_id) AS source_id,
        count(DISTINCT hash(arch_id)) AS architectures,
        count(*) AS measured
    FROM final_truth
    GROUP BY hash(benchmark, space, dataset, metric, epochs, source_id) -- in half the time of the names
),

named AS (
    SELECT
        counted.*,
        coalesce(sources.name, counted.source_id) AS source,
        runs.started_at
    FROM counted
    LEFT JOIN sources ON counted.source_id = sources.source_id
    LEFT JOIN runs ON sources.run_id = runs.run_id
),

best AS (
    SELECT *
    FROM named
    QUALIFY
        row_number() OVER (
            PARTITION BY benchmark, space, dataset, metric, epochs
            ORDER BY
                architectures DESC, measured DESC, source ASC, started_at DESC NULLS LAST, source_id ASC
        ) = 1
),

covered AS (
    SELECT
        *,
        2 * architectures >= max(architectures) OVER (PARTITION BY benchmark, space, dataset, metric) AS widely
    FROM best
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source_id,
    source,
    architectures,
    measured,
    row_number() OVER (
        PARTITION BY benchmark, space, dataset, metric
        ORDER BY widely DESC, epochs DESC NULLS LAST
    ) = 1 AS longest
FROM covered
