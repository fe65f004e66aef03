-- The rows of `tuning_tasks` in all parts.
SELECT
    tuning_id,
    step,
    parent,
    genes,
    fitness,
    used,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/tuning_tasks.parquet', hive_partitioning = FALSE)
