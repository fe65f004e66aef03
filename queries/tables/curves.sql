-- The rows of `curves` in all parts.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    iterations,
    losses
FROM read_parquet(getvariable('lake') || '/parts/*/*/curves.parquet', hive_partitioning = FALSE)
