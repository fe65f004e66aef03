-- The rows of `tuning_trials` in all parts.
SELECT
    tuning_id,
    step,
    arch_id,
    value,
    status,
    reason,
    seconds,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/tuning_trials.parquet', hive_partitioning = FALSE)
