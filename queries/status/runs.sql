-- One row per run, the last first; times as ISO 8601 in UTC.
SELECT
    runs.run_id,
    runs.stage,
    runs.status,
    strftime(runs.started_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS started_at,
    strftime(runs.finished_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS finished_at,
    runs.host,
    runs.arguments
FROM runs
-- of a machine whose clock was ahead nobody knows when it was
ORDER BY runs.started_at > now(), runs.started_at DESC, runs.run_id
