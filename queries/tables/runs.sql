-- The rows of `runs` in all parts; of the states of a run the last.
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
    packages
FROM read_parquet(getvariable('lake') || '/parts/*/*/runs.parquet')
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY finished_at DESC NULLS LAST) = 1
