-- Which signal at which stage tells most, and when? rho of every loss curve of a proxy at ten iterations, with the main
-- target alone, so that a whole space is soon asked.
-- Run: pipeline query --example rho_of_each_pair --param proxy=regression-n101
WITH points AS (
    SELECT
        curve_points.*,
        aims.dataset,
        aims.metric,
        aims.truth,
        curve_points.iteration % greatest(1, max(curve_points.iteration) OVER () // 10) = 0 AS kept
    FROM curve_points
    INNER JOIN proxies ON curve_points.proxy_id = proxies.proxy_id
    INNER JOIN target_values AS aims
        ON
            curve_points.benchmark = aims.benchmark
            AND curve_points.space = aims.space
            AND curve_points.arch_id = aims.arch_id
    WHERE aims.main AND proxies.name = $proxy AND isfinite(curve_points.loss)
),

numbered AS (
    SELECT
        *,
        dense_rank() OVER (
            ORDER BY benchmark, space, proxy_id, seed, stage, signal, mode, iteration
        ) AS number
    FROM points
    WHERE kept
),

ranked AS (
    SELECT
        *,
        average_rank(-loss, number) AS score_rank,
        average_rank(truth, number) AS truth_rank
    FROM numbered
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    iteration,
    count(*) AS n,
    round(spearman_of_ranks(score_rank, truth_rank), 4) AS rho
FROM ranked
GROUP BY ALL
ORDER BY benchmark, space, proxy_id, seed, stage, signal, mode, iteration
