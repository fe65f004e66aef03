-- One row per target and kind of repetition: how well the truth ranks the truth. It is Spearman's rho of a target
-- between two of its training seeds, the mean over pairs of seeds (`kind` seeds), and with a covered target of another
-- split, with the same unit, direction and data set (cifar10-valid counts as cifar10; `kind` is the other data set and
-- metric). A score that knew the mean result of training would have about the square root of the rho between two seeds,
-- and more with a mean over seeds.
-- Stored: small
WITH named AS MATERIALIZED (
    SELECT * FROM numbered_targets
    WHERE leads
),

finals AS (
    SELECT
        hash(benchmark, space, dataset, metric, epochs, source_id) AS column_of_truth,
        arch_id,
        seed,
        value
    FROM final_truth
    WHERE seed IS NOT NULL
),

values_by_seed AS MATERIALIZED (
    SELECT
        named.target,
        finals.arch_id,
        finals.seed,
        finals.value
    FROM finals
    INNER JOIN named ON finals.column_of_truth = named.column_of_truth
),

splits AS (
    SELECT
        one.target,
        other.target AS other_target
    FROM named AS one
    INNER JOIN named AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.split <> other.split
            AND one.unit IS NOT DISTINCT FROM other.unit
            AND one.higher_is_better = other.higher_is_better
            AND split_part(one.dataset, '-', 1) = split_part(other.dataset, '-', 1)
    WHERE one.covered AND other.covered
),

-- between seeds there is no other target
paired AS (
    SELECT
        one.target,
        NULL::UBIGINT AS other_target,
        hash(one.target, one.seed, other.seed) AS pair,
        one.value,
        other.value AS other_value
    FROM values_by_seed AS one
    INNER JOIN values_by_seed AS other
        ON one.target = other.target AND one.arch_id = other.arch_id AND one.seed < other.seed
    UNION ALL
    SELECT
        splits.target,
        splits.other_target,
        hash(splits.target, splits.other_target) AS pair,
        one.truth AS value,
        other.truth AS other_value
    FROM splits
    INNER JOIN numbered_truth AS one ON splits.target = one.target
    INNER JOIN numbered_truth AS other ON splits.other_target = other.target AND one.arch_id = other.arch_id
),

ranked AS (
    SELECT
        target,
        other_target,
        pair,
        average_rank(value, pair) AS value_rank,
        average_rank(other_value, pair) AS other_rank
    FROM paired
),

correlated AS (
    SELECT
        target,
        other_target,
        pair,
        count(*) AS n,
        spearman_of_ranks(value_rank, other_rank) AS rho
    FROM ranked
    GROUP BY target, other_target, pair
),

repeated AS (
    SELECT
        target,
        other_target,
        count(*) AS pairs,
        min(n) AS least_n,
        avg(rho ORDER BY rho) AS rho
    FROM correlated
    WHERE rho IS NOT NULL
    GROUP BY target, other_target
)

SELECT
    named.benchmark,
    named.space,
    named.dataset,
    named.metric,
    coalesce(others.dataset || ' ' || others.metric, 'seeds') AS kind,
    repeated.pairs,
    repeated.least_n,
    repeated.rho
FROM repeated
INNER JOIN named ON repeated.target = named.target
LEFT JOIN named AS others ON repeated.other_target = others.target
