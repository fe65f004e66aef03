-- The rows of `searches` in all parts; what several parts say is there once.
SELECT DISTINCT
    search_id,
    benchmark,
    space,
    method,
    proxy_id,
    score_seed,
    configuration
FROM read_parquet(getvariable('lake') || '/parts/*/*/searches.parquet', hive_partitioning = FALSE)
