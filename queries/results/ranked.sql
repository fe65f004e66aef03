-- One row per target that leads a space and proxy, released ones too: rho, the architectures it rests on, those with a
-- true value that it failed on, and the median seconds of a score: on a processor where it was scored there, else on
-- `device`.
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.proxy_id,
    labels.label AS proxy,
    labels.kind,
    correlations.n,
    coalesce(failures.n_failed, 0) AS n_failed,
    correlations.rho,
    costs.median_seconds AS seconds,
    costs.device
FROM correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
LEFT JOIN costs
    ON
        correlations.benchmark = costs.benchmark
        AND correlations.space = costs.space
        AND correlations.proxy_id = costs.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM costs.seed
LEFT JOIN failures
    ON
        correlations.benchmark = failures.benchmark
        AND correlations.space = failures.space
        AND correlations.dataset = failures.dataset
        AND correlations.metric = failures.metric
        AND correlations.proxy_id = failures.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM failures.seed
WHERE
    correlations.benchmark = $benchmark
    AND correlations.space = $space
    AND (correlations.seed = 0 OR labels.released)
    AND labels.name NOT LIKE 'tuned-%'
    AND correlations.rho IS NOT NULL
ORDER BY ALL
