-- One row per proxy, seed and device: the wall time of a score, in seconds per architecture. Failures cost time too and
-- are counted in. Proxies of a bundle share passes, which the seconds of each count in: `total_seconds` is not to be
-- added up over proxies, and the table `runs` says when a run began and ended.
SELECT
    scores.benchmark,
    scores.space,
    scores.proxy_id,
    proxies.name AS proxy,
    scores.seed,
    scores.device,
    count(*) AS n,
    avg(scores.seconds ORDER BY scores.seconds) AS mean_seconds,
    median(scores.seconds) AS median_seconds,
    sum(scores.seconds ORDER BY scores.seconds) AS total_seconds
FROM every_score AS scores
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
WHERE scores.seconds IS NOT NULL
GROUP BY ALL
