-- One row per proxy, seed, mode and stage: rho against iterations for one target; stage NULL is the weighted sum.
SELECT
    proxy_id,
    seed,
    mode,
    stage,
    list(iteration ORDER BY iteration) AS iterations,
    list(rho ORDER BY iteration) AS rho
FROM rho_by_iteration
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric AND signal = 'sum'
GROUP BY proxy_id, seed, mode, stage
ORDER BY proxy_id, seed, mode, stage NULLS FIRST
