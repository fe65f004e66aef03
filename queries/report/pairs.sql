-- One row per target, proxy and seed: scores beside true values, both oriented so that higher is better, in the order
-- of the architectures' identities; `architectures` is equal where these are the same.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy_id,
    seed,
    md5(string_agg(arch_id, '' ORDER BY arch_id)) AS architectures,
    list(score ORDER BY arch_id) AS score,
    list(truth ORDER BY arch_id) AS truth
FROM pairs
GROUP BY benchmark, space, dataset, metric, proxy_id, seed
ORDER BY benchmark, space, dataset, metric, proxy_id, seed
