-- One row per run that began or ended in a year that Python does not have.
SELECT
    run_id,
    started_at::VARCHAR AS started_at,
    finished_at::VARCHAR AS finished_at
FROM runs
WHERE
    NOT isfinite(started_at)
    OR NOT isfinite(finished_at)
    OR year(started_at AT TIME ZONE 'UTC') NOT BETWEEN 1 AND 9999
    OR year(finished_at AT TIME ZONE 'UTC') NOT BETWEEN 1 AND 9999
