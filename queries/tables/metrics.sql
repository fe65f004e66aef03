-- The rows of `metrics` in all parts; what several parts say is there once.
SELECT DISTINCT
    benchmark,
    dataset,
    metric,
    split,
    unit,
    higher_is_better,
    priority,
    description
FROM read_parquet(getvariable('lake') || '/parts/*/*/metrics.parquet')
