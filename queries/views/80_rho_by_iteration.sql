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

-- numbered, as in `correlations`
points AS MATERIALIZED (
    SELECT
        *,
        dense_rank() OVER (ORDER BY benchmark, space, proxy_id, seed, mode, signal, stage, iteration) AS point
    FROM losses
    WHERE isfinite(loss)
),

numbered AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS target
    FROM targets
),

paired AS (
    SELECT
        points.point,
        numbered.target,
        points.loss,
        CASE WHEN numbered.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
    FROM points
    INNER JOIN ground_truth
        ON
            points.benchmark = ground_truth.benchmark
            AND points.space = ground_truth.space
            AND points.arch_id = ground_truth.arch_id
    INNER JOIN numbered
        ON
            ground_truth.benchmark = numbered.benchmark
            AND ground_truth.space = numbered.space
            AND ground_truth.dataset = numbered.dataset
            AND ground_truth.metric = numbered.metric
),

ranked AS (
    SELECT
        point,
        target,
        (rank() OVER by_loss + count(*) OVER by_loss) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM paired
    WINDOW
        by_loss AS (PARTITION BY point, target ORDER BY loss DESC),
        by_truth AS (PARTITION BY point, target ORDER BY truth ASC)
),

named AS (
    SELECT DISTINCT
        point,
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        signal,
        stage,
        iteration
    FROM points
),

correlated AS (
    SELECT
        point,
        target,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    named.benchmark,
    named.space,
    numbered.dataset,
    numbered.metric,
    numbered.epochs,
    named.proxy_id,
    proxies.name AS proxy,
    named.seed,
    named.mode,
    named.signal,
    named.stage,
    named.iteration,
    correlated.n,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM correlated
INNER JOIN named ON correlated.point = named.point
INNER JOIN numbered ON correlated.target = numbered.target
INNER JOIN proxies ON named.proxy_id = proxies.proxy_id
