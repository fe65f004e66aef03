-- The rows of `trajectories` in all parts.
SELECT
    search_id,
    seed,
    step,
    arch_id,
    parent,
    value,
    scored,
    seconds,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/trajectories.parquet', hive_partitioning = FALSE)
