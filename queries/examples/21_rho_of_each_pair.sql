-- Which signal at which stage tells most, and when? rho of every loss curve of a proxy at ten iterations, with the main
-- target alone, so that a whole space is soon asked.
-- Run: pipeline query --file queries/examples/21_rho_of_each_pair.sql --param proxy=regression-n101
WITH aims AS (
    SELECT
        ground_truth.benchmark,
        ground_truth.space,
        ground_truth.arch_id,
        goal.dataset,
        goal.metric,
        CASE WHEN goal.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
    FROM ground_truth
    INNER JOIN targets AS goal
        ON
            ground_truth.benchmark = goal.benchmark
            AND ground_truth.space = goal.space
            AND ground_truth.dataset = goal.dataset
            AND ground_truth.metric = goal.metric
    WHERE goal.main
),

points AS (
    SELECT
        curve_points.*,
        aims.dataset,
        aims.metric,
        aims.truth,
        curve_points.iteration % greatest(1, max(curve_points.iteration) OVER () // 10) = 0 AS kept
    FROM curve_points
    INNER JOIN proxies ON curve_points.proxy_id = proxies.proxy_id
    INNER JOIN aims
        ON
            curve_points.benchmark = aims.benchmark
            AND curve_points.space = aims.space
            AND curve_points.arch_id = aims.arch_id
    WHERE proxies.name = $proxy AND isfinite(curve_points.loss)
),

ranked AS (
    SELECT
        *,
        (rank() OVER by_loss + count(*) OVER by_loss) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM points
    WHERE kept
    WINDOW
        by_loss AS (
            PARTITION BY benchmark, space, proxy_id, seed, stage, signal, mode, iteration
            ORDER BY loss DESC
        ),
        by_truth AS (
            PARTITION BY benchmark, space, proxy_id, seed, stage, signal, mode, iteration
            ORDER BY truth ASC
        )
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
    round(corr(score_rank, truth_rank), 4) AS rho
FROM ranked
GROUP BY ALL
ORDER BY benchmark, space, proxy_id, seed, stage, signal, mode, iteration
