-- One row per proxy and seed: oriented scores and true values for one target, on the architectures where no compared
-- proxy has failed, in the order of their identities.
SELECT
    proxy_id,
    seed,
    list(score ORDER BY arch_id) AS score,
    list(truth ORDER BY arch_id) AS truth
FROM comparison_scores
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric AND all_ok
GROUP BY proxy_id, seed
