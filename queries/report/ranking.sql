-- One row per target, proxy and seed: rho overall, among the best tenth, and on the architectures that all of
-- ours share; the highest first.
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.epochs,
    targets.source_id,
    labels.label,
    correlations.proxy,
    correlations.proxy_id,
    labels.released,
    correlations.seed,
    correlations.n,
    correlations.n_failed,
    correlations.n_no_truth,
    correlations.rho,
    best.n AS n_top,
    best.rho AS rho_top,
    shared.n AS n_shared,
    shared.rho AS rho_shared
FROM correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
INNER JOIN targets
    ON
        correlations.benchmark = targets.benchmark
        AND correlations.space = targets.space
        AND correlations.dataset = targets.dataset
        AND correlations.metric = targets.metric
LEFT JOIN correlations_top AS best
    ON
        correlations.benchmark = best.benchmark
        AND correlations.space = best.space
        AND correlations.dataset = best.dataset
        AND correlations.metric = best.metric
        AND correlations.proxy_id = best.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM best.seed
LEFT JOIN correlations_shared AS shared
    ON
        correlations.benchmark = shared.benchmark
        AND correlations.space = shared.space
        AND correlations.dataset = shared.dataset
        AND correlations.metric = shared.metric
        AND correlations.proxy_id = shared.proxy_id
        AND correlations.seed IS NOT DISTINCT FROM shared.seed
WHERE targets.main
ORDER BY
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    -- rounded, so that the last bits of a threaded sum cannot change the order
    round(correlations.rho, 9) DESC NULLS LAST,
    labels.label,
    correlations.seed,
    correlations.proxy_id
