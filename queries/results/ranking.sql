-- One row per target and proxy of our own, seed 0: rho, the architectures it rests on, those with a true value that it
-- failed on, rho with these ranked below all, and the median seconds of a score: on a processor where it was scored
-- there, else on another device.
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.proxy,
    correlations.n,
    coalesce(failures.n_failed, 0) AS n_failed,
    correlations.rho,
    comparison.rho_failures_last,
    costs.median_seconds AS seconds
FROM correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
LEFT JOIN costs
    ON
        correlations.benchmark = costs.benchmark
        AND correlations.space = costs.space
        AND correlations.proxy_id = costs.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM costs.seed
LEFT JOIN comparison
    ON
        correlations.benchmark = comparison.benchmark
        AND correlations.space = comparison.space
        AND correlations.dataset = comparison.dataset
        AND correlations.metric = comparison.metric
        AND correlations.proxy_id = comparison.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM comparison.seed
LEFT JOIN failures
    ON
        correlations.benchmark = failures.benchmark
        AND correlations.space = failures.space
        AND correlations.dataset = failures.dataset
        AND correlations.metric = failures.metric
        AND correlations.proxy_id = failures.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM failures.seed
WHERE
    correlations.seed = 0
    AND correlations.proxy NOT LIKE 'tuned-%'
    AND NOT labels.released
ORDER BY ALL
