-- One row per proxy and seed: seconds per architecture, over all devices that scored for it.
SELECT
    benchmark,
    space,
    proxy_id,
    seed,
    sum(total_seconds) / sum(n) AS seconds,
    string_agg(DISTINCT device, ', ' ORDER BY device) AS devices
FROM cost
GROUP BY ALL
