-- One row per target and point of a training curve: Spearman's rho of the loss at an iteration, as if training had
-- stopped there, for each stage, signal and mode; stage NULL is the stage-weighted sum. Losses that are not finite are
-- left out, so n may fall.
-- Stored: small
WITH architectures_of_curves AS (
    SELECT DISTINCT
        benchmark,
        space,
        arch_id
    FROM sampled_curves
),

placed AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        arch_id,
        hash(benchmark, space, arch_id) AS architecture,
        row_number() OVER (PARTITION BY benchmark, space)::INTEGER AS place
    FROM architectures_of_curves
),

-- A kind of curve and a moment of it are numbers from here on, by their hashes, and an architecture by its place within
-- its space: columns of text would take gigabytes beside millions of losses.
named AS (
    SELECT
        curves.benchmark,
        curves.space,
        curves.proxy_id,
        curves.seed,
        curves.mode,
        curves.signal,
        curves.stage,
        hash(
            curves.benchmark, curves.space, curves.proxy_id, curves.seed, curves.mode, curves.signal, curves.stage
        ) AS kind,
        placed.place,
        curves.iterations,
        curves.losses
    FROM sampled_curves AS curves
    INNER JOIN placed
        ON
            curves.benchmark = placed.benchmark
            AND curves.space = placed.space
            AND curves.arch_id = placed.arch_id
),

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

stage_points AS (
    SELECT
        kind,
        place,
        unnest(iterations) AS iteration,
        unnest(losses)::DOUBLE AS loss
    FROM named
),

sums AS (
    SELECT
        hash(benchmark, space, proxy_id, seed, mode, 'sum', NULL::BIGINT) AS kind,
        hash(benchmark, space, arch_id) AS architecture,
        iteration,
        loss
    FROM weighted_curves
),

points AS MATERIALIZED (
    SELECT
        kind,
        iteration,
        hash(kind, iteration) AS moment,
        place,
        loss
    FROM stage_points
    WHERE isfinite(loss)
    UNION ALL
    SELECT
        sums.kind,
        sums.iteration,
        hash(sums.kind, sums.iteration) AS moment,
        placed.place,
        sums.loss
    FROM sums
    INNER JOIN placed ON sums.architecture = placed.architecture
    WHERE isfinite(sums.loss)
),

every_kind AS MATERIALIZED (
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

counted AS (
    SELECT
        moment,
        any_value(kind) AS kind,
        any_value(iteration) AS iteration,
        count(*) AS n,
        bit_xor(hash(place)) AS places
    FROM points
    GROUP BY moment
),

-- Nearly all moments are of the same architectures, whose truth need not be ranked each time: a panel is a set of
-- architectures of a space, recognized by the exclusive or of the hashes of their places.
moments AS MATERIALIZED (
    SELECT
        counted.moment,
        counted.kind,
        counted.iteration,
        every_kind.benchmark,
        every_kind.space,
        hash(every_kind.benchmark, every_kind.space, counted.n, counted.places) AS panel,
        counted.n
    FROM counted
    INNER JOIN every_kind ON counted.kind = every_kind.kind
),

panels AS (
    SELECT
        panel,
        min(moment) AS moment,
        any_value(benchmark) AS benchmark,
        any_value(space) AS space,
        any_value(n) AS n
    FROM moments
    GROUP BY panel
),

true_values AS MATERIALIZED (
    SELECT
        panels.panel,
        panels.n,
        points.place,
        target_values.dataset,
        target_values.metric,
        target_values.epochs,
        target_values.truth
    FROM panels
    INNER JOIN points ON panels.moment = points.moment
    INNER JOIN placed
        ON panels.benchmark = placed.benchmark AND panels.space = placed.space AND points.place = placed.place
    INNER JOIN target_values
        ON placed.architecture = hash(target_values.benchmark, target_values.space, target_values.arch_id)
),

-- Targets that the same architectures of a panel have share the ranks of the losses: a cover is such a set of them, and
-- most covers are the whole panel.
covers AS MATERIALIZED (
    SELECT
        panel,
        dataset,
        metric,
        epochs,
        hash(panel, count(*), bit_xor(hash(place))) AS cover,
        count(*) = any_value(n) AS whole,
        row_number() OVER () AS target
    FROM true_values
    GROUP BY panel, dataset, metric, epochs
),

truths AS MATERIALIZED (
    SELECT
        covers.target,
        covers.cover,
        true_values.place,
        (2 * average_rank(true_values.truth, covers.target))::DOUBLE AS twice_rank
    FROM true_values
    INNER JOIN covers
        ON
            true_values.panel = covers.panel
            AND true_values.dataset = covers.dataset
            AND true_values.metric = covers.metric
            AND true_values.epochs IS NOT DISTINCT FROM covers.epochs
),

every_place AS (
    SELECT
        target,
        unnest(range(1, max(place) + 1))::INTEGER AS place
    FROM truths
    GROUP BY target
),

-- the ranks of a target at the places of its architectures, NULL at those of others
ranks_of_truth AS (
    SELECT
        every_place.target,
        list(truths.twice_rank ORDER BY every_place.place) AS ranks
    FROM every_place
    LEFT JOIN truths ON every_place.target = truths.target AND every_place.place = truths.place
    GROUP BY every_place.target
),

covered AS (
    SELECT DISTINCT
        panel,
        cover,
        whole
    FROM covers
),

rankings AS MATERIALIZED (
    SELECT
        moments.moment,
        covered.cover,
        covered.whole,
        row_number() OVER ()::INTEGER AS ranking
    FROM moments
    INNER JOIN covered ON moments.panel = covered.panel
),

losses AS (
    SELECT
        rankings.ranking,
        points.place,
        points.loss
    FROM points
    INNER JOIN rankings ON points.moment = rankings.moment
    WHERE rankings.whole
    UNION ALL
    SELECT
        rankings.ranking,
        points.place,
        points.loss
    FROM points
    INNER JOIN rankings ON points.moment = rankings.moment
    SEMI JOIN truths ON rankings.cover = truths.cover AND points.place = truths.place
    WHERE NOT rankings.whole
),

ranked AS (
    SELECT
        ranking,
        place,
        (2 * average_rank(-loss, ranking))::DOUBLE AS twice_rank
    FROM losses
),

-- Lists in the place of rows: their products need no join of each loss with each target.
ranks_of_losses AS (
    SELECT
        ranking,
        count(*) AS n,
        list(place) AS places,
        list(twice_rank) AS ranks
    FROM ranked
    GROUP BY ranking
),

aligned AS (
    SELECT
        rankings.moment,
        covers.target,
        ranks_of_losses.n,
        ranks_of_losses.ranks AS score_ranks,
        list_select(ranks_of_truth.ranks, ranks_of_losses.places) AS truth_ranks
    FROM ranks_of_losses
    INNER JOIN rankings ON ranks_of_losses.ranking = rankings.ranking
    INNER JOIN covers ON rankings.cover = covers.cover
    INNER JOIN ranks_of_truth ON covers.target = ranks_of_truth.target
),

-- exact up to 189,000 architectures
products AS (
    SELECT
        moment,
        target,
        n::HUGEINT AS n,
        list_inner_product(score_ranks, truth_ranks)::HUGEINT AS of_both,
        list_inner_product(score_ranks, score_ranks)::HUGEINT AS of_scores,
        list_inner_product(truth_ranks, truth_ranks)::HUGEINT AS of_truth,
        (n * (n + 1))::HUGEINT * (n * (n + 1)) AS of_sums
    FROM aligned
),

-- as spearman_of_ranks; the sum of twice the ranks is n (n + 1) on both sides
correlated AS (
    SELECT
        moment,
        target,
        n::BIGINT AS n,
        (n * of_both - of_sums)::DOUBLE
        / nullif(sqrt((n * of_scores - of_sums)::DOUBLE * (n * of_truth - of_sums)::DOUBLE), 0) AS rho
    FROM products
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
