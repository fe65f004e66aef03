-- The rows of `retried` in all parts.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    value,
    seconds,
    device,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/retried.parquet', hive_partitioning = FALSE)
