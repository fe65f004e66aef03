-- The rows of `truth` in all parts.
SELECT
    benchmark,
    space,
    arch_id,
    dataset,
    metric,
    epochs,
    seed,
    epoch,
    value,
    status,
    reason,
    source_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/truth.parquet', hive_partitioning = FALSE)
