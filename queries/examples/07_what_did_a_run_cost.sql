-- What did each scoring run cost? Wall time from start to end, and the seconds of its scores summed over workers.
-- Run: pipeline query --example what_did_a_run_cost
SELECT
    runs.run_id,
    runs.started_at,
    runs.status,
    runs.device,
    proxies.name AS proxy,
    count(*) AS scores,
    count(*) FILTER (WHERE scores.status <> 'ok') AS failed,
    round(any_value(epoch(runs.finished_at - runs.started_at)), 1) AS wall_seconds,
    round(sum(scores.seconds), 1) AS score_seconds,
    round(avg(scores.seconds), 2) AS seconds_per_architecture
FROM scores
INNER JOIN runs ON scores.run_id = runs.run_id
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
WHERE runs.stage = 'score'
GROUP BY runs.run_id, runs.started_at, runs.status, runs.device, proxies.name
ORDER BY runs.started_at, proxies.name
