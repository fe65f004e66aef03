-- One row per target and proxy of our own, seed 0: rho, the architectures it rests on, failures, and the mean seconds
-- per architecture.
WITH costs AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        sum(total_seconds ORDER BY total_seconds) / sum(n) AS seconds
    FROM cost
    GROUP BY ALL
)

SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.proxy,
    correlations.n,
    correlations.n_failed,
    correlations.rho,
    costs.seconds
FROM correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
LEFT JOIN costs
    ON
        correlations.benchmark = costs.benchmark
        AND correlations.space = costs.space
        AND correlations.proxy_id = costs.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM costs.seed
WHERE
    correlations.seed = 0
    AND correlations.proxy NOT LIKE 'tuned-%'
    AND NOT labels.released
ORDER BY ALL
