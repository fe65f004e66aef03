-- One row per target, proxy, seed, mode, stage and iteration: rho of the loss, and its interval; stage NULL is
-- the weighted sum.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy_id,
    seed,
    mode,
    stage,
    iteration,
    rho,
    rho_interval(rho, n).low AS low,
    rho_interval(rho, n).high AS high
FROM rho_by_iteration
WHERE signal = 'sum'
ORDER BY benchmark, space, dataset, metric, proxy_id, seed, mode, stage NULLS FIRST, iteration
