-- One row per target and point of a training curve: Spearman's rho of the loss at an iteration, as if training had
-- stopped there, for each stage, signal and mode; stage NULL is the stage-weighted sum. Losses that are not finite are
-- left out, so n may fall, and so are those on the labels that a proxy was made with (`labelled`).
-- Stored: small
WITH named AS (
    SELECT
        curves.benchmark,
        curves.space,
        curves.proxy_id,
        curves.seed,
        curves.mode,
        curves.signal,
        curves.stage,
        curves.iterations,
        curves.losses,
        hash(
            curves.benchmark, curves.space, curves.proxy_id, curves.seed, curves.mode, curves.signal, curves.stage
        ) AS kind,
        hash(curves.benchmark, curves.space, curves.arch_id) AS architecture
    FROM sampled_curves AS curves
    ANTI JOIN labelled
        ON
            curves.benchmark = labelled.benchmark
            AND curves.space = labelled.space
            AND curves.proxy_id = labelled.proxy_id
            AND curves.arch_id = labelled.arch_id
),

-- A kind of curve and an architecture are numbers from here on, by their hashes: columns of text would take gigabytes
-- beside millions of losses.
kinds AS MATERIALIZED (
    SELECT DISTINCT
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        signal,
        stage,
        kind,
        hash(benchmark, space, proxy_id, seed, mode, 'sum', NULL::BIGINT) AS kind_of_sum
    FROM named
),

stage_points AS MATERIALIZED (
    SELECT
        kind,
        architecture,
        unnest(iterations) AS iteration,
        unnest(losses)::DOUBLE AS loss
    FROM named
),

sums AS (
    SELECT
        weighted.iteration,
        weighted.loss,
        hash(
            weighted.benchmark, weighted.space, weighted.proxy_id, weighted.seed, weighted.mode, 'sum', NULL::BIGINT
        ) AS kind,
        hash(weighted.benchmark, weighted.space, weighted.arch_id) AS architecture
    FROM weighted_curves AS weighted
    ANTI JOIN labelled
        ON
            weighted.benchmark = labelled.benchmark
            AND weighted.space = labelled.space
            AND weighted.proxy_id = labelled.proxy_id
            AND weighted.arch_id = labelled.arch_id
),

points AS MATERIALIZED (
    SELECT
        kind,
        iteration,
        architecture,
        loss,
        hash(kind, iteration) AS moment
    FROM stage_points
    WHERE isfinite(loss)
    UNION ALL BY NAME
    SELECT
        kind,
        iteration,
        architecture,
        loss,
        hash(kind, iteration) AS moment
    FROM sums
    WHERE isfinite(loss)
),

-- Nearly all moments are of the same architectures, whose truth need not be ranked each time: a panel is a set of
-- architectures, recognized by the exclusive or of their hashes.
moments AS MATERIALIZED (
    SELECT
        moment,
        any_value(kind) AS kind,
        any_value(iteration) AS iteration,
        hash(count(*), bit_xor(architecture)) AS panel
    FROM points
    GROUP BY moment
),

panels AS (
    SELECT
        panel,
        min(moment) AS moment
    FROM moments
    GROUP BY panel
),

true_values AS MATERIALIZED (
    SELECT
        panels.panel,
        points.architecture,
        target_values.dataset,
        target_values.metric,
        target_values.epochs,
        target_values.truth
    FROM panels
    INNER JOIN points ON panels.moment = points.moment
    INNER JOIN target_values
        ON points.architecture = hash(target_values.benchmark, target_values.space, target_values.arch_id)
),

-- Targets that the same architectures of a panel have share the ranks of the losses: a cover is such a set of them.
covers AS MATERIALIZED (
    SELECT
        panel,
        dataset,
        metric,
        epochs,
        hash(panel, count(*), bit_xor(architecture)) AS cover,
        row_number() OVER () AS target
    FROM true_values
    GROUP BY panel, dataset, metric, epochs
),

truths AS MATERIALIZED (
    SELECT
        covers.target,
        covers.cover,
        true_values.architecture,
        average_rank(true_values.truth, covers.target) AS truth_rank
    FROM true_values
    INNER JOIN covers
        ON
            true_values.panel = covers.panel
            AND true_values.dataset = covers.dataset
            AND true_values.metric = covers.metric
            AND true_values.epochs IS NOT DISTINCT FROM covers.epochs
),

covered AS (
    SELECT DISTINCT
        panel,
        cover
    FROM covers
),

ranked AS (
    SELECT
        points.moment,
        covered.cover,
        points.architecture,
        average_rank(-points.loss, hash(points.moment, covered.cover)) AS score_rank
    FROM points
    INNER JOIN moments ON points.moment = moments.moment
    INNER JOIN covered ON moments.panel = covered.panel
    SEMI JOIN truths ON covered.cover = truths.cover AND points.architecture = truths.architecture
),

every_kind AS (
    SELECT
        kind,
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        signal,
        stage
    FROM kinds
    UNION BY NAME
    SELECT
        kind_of_sum AS kind,
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        'sum' AS signal,
        NULL::BIGINT AS stage
    FROM kinds
),

correlated AS (
    SELECT
        ranked.moment,
        truths.target,
        count(*) AS n,
        spearman_of_ranks(ranked.score_rank, truths.truth_rank) AS rho
    FROM ranked
    INNER JOIN truths ON ranked.cover = truths.cover AND ranked.architecture = truths.architecture
    GROUP BY ALL
)

SELECT
    every_kind.benchmark,
    every_kind.space,
    covers.dataset,
    covers.metric,
    covers.epochs,
    every_kind.proxy_id,
    proxies.name AS proxy,
    every_kind.seed,
    every_kind.mode,
    every_kind.signal,
    every_kind.stage,
    moments.iteration,
    correlated.n,
    correlated.rho
FROM correlated
INNER JOIN moments ON correlated.moment = moments.moment
INNER JOIN covers ON correlated.target = covers.target
INNER JOIN every_kind ON moments.kind = every_kind.kind
INNER JOIN proxies ON every_kind.proxy_id = proxies.proxy_id
