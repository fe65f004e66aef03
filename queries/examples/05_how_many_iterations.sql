-- How many iterations are enough? The first whose rho is within .01 of the last one's, for the stage-weighted loss.
-- Run: pipeline query --example how_many_iterations
WITH judged AS (
    SELECT
        *,
        last_value(rho) OVER (
            PARTITION BY benchmark, space, dataset, metric, proxy_id, seed, mode
            ORDER BY iteration
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS last_rho
    FROM rho_by_iteration
    WHERE stage IS NULL
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy,
    seed,
    mode,
    max(n) AS n,
    round(any_value(last_rho), 4) AS last_rho,
    max(iteration) AS iterations,
    min(iteration) FILTER (WHERE rho >= last_rho - 0.01) AS enough
FROM judged
GROUP BY benchmark, space, dataset, metric, proxy, proxy_id, seed, mode
ORDER BY benchmark, space, dataset, metric, proxy, seed, mode
