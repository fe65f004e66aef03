-- One row per proxy and seed: the median seconds per architecture, so that a slow first call does not count, and the
-- devices that scored for it; and its scores, failures counted in.
SELECT
    benchmark,
    space,
    proxy_id,
    seed,
    median(seconds) AS seconds,
    count(*) AS scores,
    string_agg(DISTINCT device, ', ' ORDER BY device) FILTER (WHERE seconds IS NOT NULL) AS devices
FROM every_score
GROUP BY benchmark, space, proxy_id, seed
ORDER BY benchmark, space, proxy_id, seed
