-- Which stage of the network tells most? rho of each stage's last loss; stage - is the weighted sum of all.
-- Run: pipeline query --example rho_by_stage
SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy,
    seed,
    mode,
    signal,
    stage,
    iteration,
    n,
    round(rho, 4) AS rho
FROM rho_by_iteration
QUALIFY
    iteration = max(iteration) OVER (
        PARTITION BY benchmark, space, dataset, metric, proxy_id, seed, mode, signal, stage
    )
ORDER BY benchmark, space, dataset, metric, proxy, seed, mode, signal, stage NULLS FIRST
