-- Scores beside the true values of one target, a row a proxy and seed, architectures in the order of their identities:
-- oriented (higher is better) and as stored.
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
