-- One row per proxy, seed and target that a report does not lead with: rho.
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.epochs,
    targets.source_id,
    correlations.proxy,
    correlations.proxy_id,
    correlations.seed,
    correlations.n,
    correlations.n_failed,
    correlations.n_no_truth,
    correlations.rho
FROM correlations
INNER JOIN targets
    ON
        correlations.benchmark = targets.benchmark
        AND correlations.space = targets.space
        AND correlations.dataset = targets.dataset
        AND correlations.metric = targets.metric
WHERE targets.leads AND NOT targets.main
ORDER BY
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.proxy,
    correlations.proxy_id,
    correlations.seed
