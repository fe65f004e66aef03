-- One row per true value of a metric, architecture or source that the lake does not have.

-- what is lacking is found first: a join of all true values with all architectures would not fit in memory
WITH metrics_lacking AS MATERIALIZED (
    SELECT
        benchmark,
        dataset,
        metric
    FROM truth
    EXCEPT
    SELECT
        benchmark,
        dataset,
        metric
    FROM metrics
),

architectures_lacking AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        arch_id
    FROM truth
    EXCEPT
    SELECT
        benchmark,
        space,
        arch_id
    FROM architectures
),

sources_lacking AS MATERIALIZED (
    SELECT source_id
    FROM truth
    EXCEPT
    SELECT source_id
    FROM sources
)

SELECT
    truth.benchmark,
    truth.space,
    truth.arch_id,
    truth.dataset,
    truth.metric,
    truth.epochs,
    truth.seed,
    truth.epoch,
    truth.source_id,
    metrics_lacking.metric IS NULL AS has_metric,
    architectures_lacking.arch_id IS NULL AS has_architecture,
    sources_lacking.source_id IS NULL AS has_source
FROM truth
LEFT JOIN metrics_lacking
    ON
        truth.benchmark = metrics_lacking.benchmark
        AND truth.dataset = metrics_lacking.dataset
        AND truth.metric = metrics_lacking.metric
LEFT JOIN architectures_lacking
    ON
        truth.benchmark = architectures_lacking.benchmark
        AND truth.space = architectures_lacking.space
        AND truth.arch_id = architectures_lacking.arch_id
LEFT JOIN sources_lacking ON truth.source_id = sources_lacking.source_id
WHERE
    metrics_lacking.metric IS NOT NULL
    OR architectures_lacking.arch_id IS NOT NULL
    OR sources_lacking.source_id IS NOT NULL
