-- The rows of `rejects` in all parts.
SELECT
    source_id,
    position,
    reason,
    excerpt
FROM read_parquet(getvariable('lake') || '/parts/*/*/rejects.parquet', hive_partitioning = FALSE)
