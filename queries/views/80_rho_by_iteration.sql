-- Spearman's rho of the loss at an iteration with each target, as if training had stopped there: a row a stage and
-- mode, and a row with stage NULL for the stage-weighted sum. Losses that are not finite are left out, so n may fall.
WITH losses AS (
    SELECT * FROM curve_points
    UNION ALL BY NAME
    SELECT
        *,
        NULL::BIGINT AS stage,
        'sum' AS signal
    FROM weighted_curves
),

paired AS (
    SELECT
        losses.*,
        targets.dataset,
        targets.metric,
        targets.epochs,
        CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
    FROM losses
    INNER JOIN ground_truth
        ON
            losses.benchmark = ground_truth.benchmark
            AND losses.space = ground_truth.space
            AND losses.arch_id = ground_truth.arch_id
    INNER JOIN targets
        ON
            ground_truth.benchmark = targets.benchmark
            AND ground_truth.space = targets.space
            AND ground_truth.dataset = targets.dataset
            AND ground_truth.metric = targets.metric
    WHERE isfinite(losses.loss)
),

ranked AS (
    SELECT
        *,
        rank() OVER by_loss
        + (count(*) OVER (by_loss RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS score_rank,
        rank() OVER by_truth
        + (count(*) OVER (by_truth RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS truth_rank
    FROM paired
    WINDOW
        curve AS (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed, mode, signal, stage, iteration),
        by_loss AS (curve ORDER BY loss DESC),
        by_truth AS (curve ORDER BY truth ASC)
),

correlated AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        epochs,
        proxy_id,
        seed,
        mode,
        signal,
        stage,
        iteration,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    correlated.benchmark,
    correlated.space,
    correlated.dataset,
    correlated.metric,
    correlated.epochs,
    correlated.proxy_id,
    proxies.name AS proxy,
    correlated.seed,
    correlated.mode,
    correlated.signal,
    correlated.stage,
    correlated.iteration,
    correlated.n,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM correlated
INNER JOIN proxies ON correlated.proxy_id = proxies.proxy_id
