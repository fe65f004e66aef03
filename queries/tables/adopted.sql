-- The rows of `adopted` in all parts.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed
FROM read_parquet(getvariable('lake') || '/parts/*/*/adopted.parquet', hive_partitioning = FALSE)
