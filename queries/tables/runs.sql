-- The rows of `runs` in all parts; of the states of a run the last, or while it goes on the one that names the most
-- environments. Earlier versions did not write these.
WITH stored AS (
    SELECT NULL::VARCHAR AS environments
    WHERE FALSE
    UNION ALL BY NAME
    FROM read_parquet(getvariable('lake') || '/parts/*/*/runs.parquet', hive_partitioning = FALSE, union_by_name = TRUE)
)

SELECT
    run_id,
    stage,
    arguments,
    started_at,
    finished_at,
    status,
    code_version,
    host,
    device,
    packages,
    environments
FROM stored
QUALIFY
    row_number()
        OVER (PARTITION BY run_id ORDER BY finished_at DESC NULLS LAST, length(environments) DESC NULLS LAST)
    = 1
