-- The rows of `scores` in all parts; a failure that was computed again with success is what `retried` says of it.
SELECT
    stored.benchmark,
    stored.space,
    stored.arch_id,
    stored.proxy_id,
    stored.seed,
    coalesce(retried.value, stored.value) AS value,
    CASE WHEN retried.run_id IS NULL THEN stored.status ELSE 'ok' END AS status,
    CASE WHEN retried.run_id IS NULL THEN stored.reason END AS reason,
    CASE WHEN retried.run_id IS NULL THEN stored.seconds ELSE retried.seconds END AS seconds,
    CASE WHEN retried.run_id IS NULL THEN stored.device ELSE retried.device END AS device,
    coalesce(retried.run_id, stored.run_id) AS run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/scores.parquet', hive_partitioning = FALSE) AS stored
LEFT JOIN retried
    ON
        stored.status <> 'ok'
        AND stored.benchmark = retried.benchmark
        AND stored.space = retried.space
        AND stored.arch_id = retried.arch_id
        AND stored.proxy_id = retried.proxy_id
        AND stored.seed = retried.seed
