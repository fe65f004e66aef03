-- One row per target, proxy and seed: oriented scores and true values on the architectures where no compared proxy has
-- failed, in the order of their identities.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy_id,
    seed,
    list(score ORDER BY arch_id) AS score,
    list(truth ORDER BY arch_id) AS truth
FROM comparison_scores
WHERE all_ok
GROUP BY benchmark, space, dataset, metric, proxy_id, seed
ORDER BY benchmark, space, dataset, metric, proxy_id, seed
