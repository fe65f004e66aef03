-- One row per pair of sources and quantity that both measured: how far their true values agree on the architectures
-- that both have, as Pearson's and Spearman's correlation and the largest difference, in the metric's unit. Training
-- lengths must be the same, or one unstated.
-- Stored: small
WITH twice_measured AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric
    FROM truth
    GROUP BY ALL
    HAVING count(DISTINCT source_id) > 1
),

-- as `seed_means`, which would take those of every quantity
means AS MATERIALIZED (
    SELECT
        truth.benchmark,
        truth.space,
        truth.dataset,
        truth.metric,
        truth.epochs,
        truth.source_id,
        truth.arch_id,
        seed_mean(truth.value) AS value
    FROM final_truth AS truth
    SEMI JOIN twice_measured
        ON
            truth.benchmark = twice_measured.benchmark
            AND truth.space = twice_measured.space
            AND truth.dataset = twice_measured.dataset
            AND truth.metric = twice_measured.metric
    GROUP BY ALL
),

paired AS (
    SELECT
        one.benchmark,
        one.space,
        one.dataset,
        one.metric,
        one.epochs,
        other.epochs AS other_epochs,
        one.source_id,
        other.source_id AS other_source_id,
        one.value,
        other.value AS other_value
    FROM means AS one
    INNER JOIN means AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.arch_id = other.arch_id
            AND one.dataset = other.dataset
            AND one.metric = other.metric
            AND one.source_id < other.source_id
            AND coalesce(one.epochs = other.epochs, TRUE)
),

numbered AS (
    SELECT
        *,
        dense_rank() OVER (
            ORDER BY benchmark, space, dataset, metric, epochs, other_epochs, source_id, other_source_id
        ) AS number
    FROM paired
),

ranked AS (
    SELECT
        *,
        average_rank(value, number) AS value_rank,
        average_rank(other_value, number) AS other_rank
    FROM numbered
),

correlated AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        epochs,
        other_epochs,
        source_id,
        other_source_id,
        count(*) AS n,
        pearson(value, other_value) AS pearson,
        spearman_of_ranks(value_rank, other_rank) AS spearman,
        max(abs(value - other_value)) AS largest_difference
    FROM ranked
    GROUP BY ALL
)

SELECT
    correlated.benchmark,
    correlated.space,
    correlated.dataset,
    correlated.metric,
    correlated.epochs,
    correlated.other_epochs,
    correlated.source_id,
    sources.name AS source,
    correlated.other_source_id,
    others.name AS other_source,
    correlated.n,
    correlated.pearson,
    correlated.spearman,
    correlated.largest_difference
FROM correlated
INNER JOIN sources ON correlated.source_id = sources.source_id
INNER JOIN sources AS others ON correlated.other_source_id = others.source_id
