-- One row per target, compared proxy and seed on the same architectures, the highest rho first, with what its ten best
-- are worth.
SELECT
    comparison.benchmark,
    comparison.space,
    comparison.dataset,
    comparison.metric,
    labels.label,
    labels.released,
    comparison.proxy_id,
    comparison.seed,
    comparison.n,
    comparison.n_tried,
    comparison.n_failed,
    comparison.rho,
    comparison.rho_failures_last,
    best.precision_at_k,
    best.ndcg,
    best.best_found,
    best.regret
FROM comparison
INNER JOIN proxy_labels AS labels ON comparison.proxy_id = labels.proxy_id
LEFT JOIN best_of_k AS best
    ON
        comparison.benchmark = best.benchmark
        AND comparison.space = best.space
        AND comparison.dataset = best.dataset
        AND comparison.metric = best.metric
        AND comparison.proxy_id = best.proxy_id
        AND comparison.seed IS NOT DISTINCT FROM best.seed
        AND best.k = 10
ORDER BY
    comparison.benchmark,
    comparison.space,
    comparison.dataset,
    comparison.metric,
    -- rounded, as in ranking
    round(comparison.rho, 9) DESC NULLS LAST,
    labels.label,
    comparison.seed,
    comparison.proxy_id
