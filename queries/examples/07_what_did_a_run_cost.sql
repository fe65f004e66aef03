-- What did each scoring run cost? The wall time from its start to its end; NULL where it did not end. The sum of
-- `seconds` over its scores is too high: proxies of a bundle share passes, which the seconds of each of them count in.
-- Run: pipeline query --example what_did_a_run_cost
SELECT
    runs.run_id,
    runs.started_at,
    runs.status,
    runs.device,
    CASE
        WHEN count(DISTINCT proxies.name) = 1 THEN min(proxies.name)
        ELSE count(DISTINCT proxies.name) || ' proxies'
    END AS proxy,
    count(DISTINCT scores.arch_id) AS architectures,
    count(*) AS scores,
    count(*) FILTER (WHERE scores.status <> 'ok') AS failed,
    round(epoch(runs.finished_at - runs.started_at), 1) AS wall_seconds,
    round(epoch(runs.finished_at - runs.started_at) / count(DISTINCT scores.arch_id), 2)
        AS wall_seconds_per_architecture
FROM scores
INNER JOIN runs ON scores.run_id = runs.run_id
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
WHERE runs.stage = 'score'
GROUP BY runs.run_id, runs.started_at, runs.finished_at, runs.status, runs.device
ORDER BY runs.started_at, runs.run_id
