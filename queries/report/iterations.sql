-- One row per proxy, seed, mode, stage and iteration: rho of the loss with one target, and its interval; stage NULL is
-- the weighted sum.
SELECT
    proxy_id,
    seed,
    mode,
    stage,
    iteration,
    n,
    rho,
    rho_interval(rho, n).low AS low,
    rho_interval(rho, n).high AS high
FROM rho_by_iteration
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric AND signal = 'sum'
ORDER BY proxy_id, seed, mode, stage NULLS FIRST, iteration
