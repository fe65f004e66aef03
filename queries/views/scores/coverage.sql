-- One row per proxy, seed, status and reason: how many scores ended so. The status `not finite` stands for a value that
-- is NaN or infinite, which counts as a failure everywhere.
-- Held: in memory
SELECT
    scores.benchmark,
    scores.space,
    scores.proxy_id,
    proxies.name AS proxy,
    scores.seed,
    CASE
        WHEN scores.status = 'ok' AND NOT coalesce(isfinite(scores.value), FALSE) THEN 'not finite'
        ELSE scores.status
    END AS status,
    scores.reason,
    count(*) AS scores
FROM every_score AS scores
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
GROUP BY ALL
