-- One row per target and point of a training curve: Spearman's rho of the loss at an iteration, as if training had
-- stopped there, for each stage, signal and mode; stage NULL is the stage-weighted sum. Losses that are not finite are
-- left out, so n may fall.
-- Stored: small
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
-- panel is a set of architectures, recognized by the exclusive or of their hashes.
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

-- numbered, as in `series`
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
        average_rank(target_values.truth, (panels.panel, target_values.dataset, target_values.metric)) AS truth_rank
    FROM panels
    INNER JOIN numbered ON panels.moment = numbered.moment
    INNER JOIN target_values
        ON
            panels.benchmark = target_values.benchmark
            AND panels.space = target_values.space
            AND numbered.arch_id = target_values.arch_id
),

ranked AS (
    SELECT
        numbered.moment,
        truths.target,
        truths.truth_rank,
        average_rank(-numbered.loss, (numbered.moment, truths.target)) AS score_rank
    FROM numbered
    INNER JOIN truths ON numbered.panel = truths.panel AND numbered.arch_id = truths.arch_id
),

correlated AS (
    SELECT
        moment,
        target,
        count(*) AS n,
        pearson(score_rank, truth_rank) AS rho
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
    correlated.rho
FROM correlated
INNER JOIN moments ON correlated.moment = moments.moment
INNER JOIN aims ON correlated.target = aims.target
INNER JOIN proxies ON moments.proxy_id = proxies.proxy_id
