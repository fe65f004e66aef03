-- One row per proxy, seed and target that the report of its space does not lead with: rho and its interval.
SELECT
    correlations.benchmark,
    correlations.space,
    labels.label,
    labels.released,
    correlations.proxy_id,
    correlations.seed,
    correlations.dataset,
    correlations.metric,
    correlations.n,
    correlations.rho,
    correlations.low,
    correlations.high
FROM correlations_by_family AS correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
INNER JOIN targets
    ON
        correlations.benchmark = targets.benchmark
        AND correlations.space = targets.space
        AND correlations.dataset = targets.dataset
        AND correlations.metric = targets.metric
WHERE NOT targets.leads AND targets.covered
ORDER BY
    correlations.benchmark,
    correlations.space,
    labels.released,
    labels.label,
    correlations.proxy_id,
    correlations.seed,
    correlations.dataset,
    correlations.metric
