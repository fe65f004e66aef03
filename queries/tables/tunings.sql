-- The rows of `tunings` in all parts.
SELECT
    tuning_id,
    benchmark,
    space,
    dataset,
    metric,
    method,
    name,
    proxy_id,
    configuration,
    seed,
    labels,
    trainings,
    fitness,
    rule,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/tunings.parquet', hive_partitioning = FALSE)
