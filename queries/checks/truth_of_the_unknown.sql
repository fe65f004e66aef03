-- One row per true value of a metric, architecture or source that the lake does not have.
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
    metrics.metric IS NOT NULL AS has_metric,
    architectures.arch_id IS NOT NULL AS has_architecture,
    sources.source_id IS NOT NULL AS has_source
FROM truth
LEFT JOIN metrics
    ON
        truth.benchmark = metrics.benchmark
        AND truth.dataset = metrics.dataset
        AND truth.metric = metrics.metric
LEFT JOIN architectures
    ON
        truth.benchmark = architectures.benchmark
        AND truth.space = architectures.space
        AND truth.arch_id = architectures.arch_id
LEFT JOIN sources ON truth.source_id = sources.source_id
WHERE metrics.metric IS NULL OR architectures.arch_id IS NULL OR sources.source_id IS NULL
