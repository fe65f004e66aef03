-- Spearman's rho of the loss at an iteration with each target, as if training had stopped there: a row a stage and
-- mode, and a row with stage NULL for the stage-weighted sum. Losses that are not finite are left out, so n may fall.
WITH points AS MATERIALIZED (
    SELECT *
    FROM curve_points
    WHERE isfinite(loss)
    UNION ALL BY NAME
    SELECT
        *,
        NULL::BIGINT AS stage,
        'sum' AS signal
    FROM weighted_curves
    WHERE isfinite(loss)
),

-- Nearly all moments of nearly all curves are of the same architectures, whose truth need not be ranked each time: a
-- panel is a set of architectures, told by the exclusive or of their hashes.
moments AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        signal,
        stage,
        iteration,
        row_number() OVER () AS moment,
        dense_rank() OVER (ORDER BY benchmark, space, count(*), bit_xor(hash(arch_id))) AS panel
    FROM points
    GROUP BY benchmark, space, proxy_id, seed, mode, signal, stage, iteration
),

-- numbered, as in `correlations`
numbered AS MATERIALIZED (
    SELECT
        moments.moment,
        moments.panel,
        points.arch_id,
        points.loss
    FROM points
    INNER JOIN moments
        ON
            points.benchmark = moments.benchmark
            AND points.space = moments.space
            AND points.proxy_id = moments.proxy_id
            AND points.seed IS NOT DISTINCT FROM moments.seed
            AND points.mode = moments.mode
            AND points.signal = moments.signal
            AND points.stage IS NOT DISTINCT FROM moments.stage
            AND points.iteration = moments.iteration
),

panels AS (
    SELECT
        benchmark,
        space,
        panel,
        min(moment) AS moment
    FROM moments
    GROUP BY benchmark, space, panel
),

truths AS MATERIALIZED (
    SELECT
        panels.panel,
        numbered.arch_id,
        target_values.dataset,
        target_values.metric,
        target_values.epochs,
        dense_rank() OVER (ORDER BY target_values.dataset, target_values.metric, target_values.epochs) AS target,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM panels
    INNER JOIN numbered ON panels.moment = numbered.moment
    INNER JOIN target_values
        ON
            panels.benchmark = target_values.benchmark
            AND panels.space = target_values.space
            AND numbered.arch_id = target_values.arch_id
    WINDOW by_truth AS (
        PARTITION BY panels.panel, target_values.dataset, target_values.metric
        ORDER BY target_values.truth
    )
),

ranked AS (
    SELECT
        numbered.moment,
        truths.target,
        truths.truth_rank,
        (rank() OVER by_loss + count(*) OVER by_loss) / 2 AS score_rank
    FROM numbered
    INNER JOIN truths ON numbered.panel = truths.panel AND numbered.arch_id = truths.arch_id
    WINDOW by_loss AS (PARTITION BY numbered.moment, truths.target ORDER BY numbered.loss DESC)
),

correlated AS (
    SELECT
        moment,
        target,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
),

aims AS (
    SELECT DISTINCT
        target,
        dataset,
        metric,
        epochs
    FROM truths
)

SELECT
    moments.benchmark,
    moments.space,
    aims.dataset,
    aims.metric,
    aims.epochs,
    moments.proxy_id,
    proxies.name AS proxy,
    moments.seed,
    moments.mode,
    moments.signal,
    moments.stage,
    moments.iteration,
    correlated.n,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM correlated
INNER JOIN moments ON correlated.moment = moments.moment
INNER JOIN aims ON correlated.target = aims.target
INNER JOIN proxies ON moments.proxy_id = proxies.proxy_id
