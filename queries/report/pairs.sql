-- One row per proxy and seed: scores beside the true values of one target, oriented so that higher is better, in the
-- order of the architectures' identities; `architectures` is equal where these are the same.
SELECT
    proxy_id,
    seed,
    md5(string_agg(arch_id, '' ORDER BY arch_id)) AS architectures,
    list(score ORDER BY arch_id) AS score,
    list(truth ORDER BY arch_id) AS truth
FROM pairs
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric
GROUP BY proxy_id, seed
