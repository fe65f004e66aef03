-- One row per run, the last first.
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
FROM runs
ORDER BY started_at DESC, run_id
