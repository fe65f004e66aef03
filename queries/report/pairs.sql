-- One row per proxy and seed: scores beside the true values of one target, oriented (higher is better) and as stored,
-- architectures in the order of their identities.
SELECT
    proxy_id,
    seed,
    list(score ORDER BY arch_id) AS score,
    list(truth ORDER BY arch_id) AS truth,
    list(score_as_stored ORDER BY arch_id) AS score_as_stored,
    list(truth_as_stored ORDER BY arch_id) AS truth_as_stored
FROM pairs
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric
GROUP BY proxy_id, seed
