-- The rows of `tuning_draws` in all parts.
SELECT
    evaluation_id,
    benchmark,
    space,
    to_benchmark,
    to_space,
    dataset,
    metric,
    terms,
    method,
    labels,
    draw,
    n,
    rho,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/tuning_draws.parquet', hive_partitioning = FALSE)
