-- One row per target and kind of repetition: how well the truth ranks the truth, the line that no proxy is expected to
-- pass. It is Spearman's rho of a target between two of its training seeds, the mean over pairs of seeds (`kind`
-- seeds), and with another target of the same data set family, measured on another split (`kind` the other data set and
-- metric).
-- Stored: small
WITH final AS (
    SELECT
        truth.benchmark,
        truth.space,
        truth.dataset,
        truth.metric,
        truth.arch_id,
        truth.seed,
        truth.value
    FROM final_truth AS truth
    INNER JOIN targets
        ON
            truth.benchmark = targets.benchmark
            AND truth.space = targets.space
            AND truth.dataset = targets.dataset
            AND truth.metric = targets.metric
            AND truth.epochs IS NOT DISTINCT FROM targets.epochs
            AND truth.source_id = targets.source_id
            AND targets.leads
    WHERE truth.seed IS NOT NULL
),

covered AS (
    SELECT * FROM target_values
    WHERE covered
),

paired AS (
    SELECT
        one.benchmark,
        one.space,
        one.dataset,
        one.metric,
        'seeds' AS kind,
        one.seed || '-' || other.seed AS pair,
        one.value,
        other.value AS other_value
    FROM final AS one
    INNER JOIN final AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.dataset = other.dataset
            AND one.metric = other.metric
            AND one.arch_id = other.arch_id
            AND one.seed < other.seed
    UNION ALL
    SELECT
        one.benchmark,
        one.space,
        one.dataset,
        one.metric,
        other.dataset || ' ' || other.metric AS kind,
        '' AS pair,
        one.truth AS value,
        other.truth AS other_value
    FROM covered AS one
    INNER JOIN covered AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.arch_id = other.arch_id
            AND one.split <> other.split
            AND split_part(one.dataset, '-', 1) = split_part(other.dataset, '-', 1)
),

numbered AS (
    SELECT
        *,
        dense_rank() OVER (ORDER BY benchmark, space, dataset, metric, kind, pair) AS number
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
        kind,
        pair,
        count(*) AS n,
        pearson(value_rank, other_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    kind,
    count(*) AS pairs,
    min(n) AS least_n,
    avg(rho) AS rho
FROM correlated
WHERE rho IS NOT NULL
GROUP BY ALL
