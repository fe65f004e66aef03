-- One row per run, the last first; times as ISO 8601 in UTC, as text, since Python has not all that a part can hold.
SELECT
    runs.run_id,
    runs.stage,
    runs.arguments,
    strftime(runs.started_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS started_at,
    strftime(runs.finished_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS finished_at,
    runs.status,
    runs.code_version,
    runs.host,
    runs.device,
    runs.packages
FROM runs
ORDER BY runs.started_at DESC, runs.run_id
