-- One row per target of the family that leads and other target of its space: Spearman's rho of the true values of the
-- one with those of the other, both with higher as better, on the `n` architectures that have both. A score that knew
-- the one exactly would have this rho with the other; another score can have more with both. Targets that are not
-- `covered` are left out.
-- Stored: small
WITH named AS MATERIALIZED (
    SELECT *
    FROM numbered_targets
    WHERE covered
    QUALIFY count(*) OVER (PARTITION BY benchmark, space) > 1
),

-- an architecture is a number from here on, its hash
true_values AS MATERIALIZED (
    SELECT
        numbered_truth.target,
        hash(numbered_truth.arch_id) AS architecture,
        numbered_truth.truth,
        average_rank(numbered_truth.truth, numbered_truth.target) AS truth_rank
    FROM numbered_truth
    SEMI JOIN named ON numbered_truth.target = named.target
),

extents AS (
    SELECT
        target,
        hash(count(*), bit_xor(architecture)) AS extent
    FROM true_values
    GROUP BY target
),

compared AS MATERIALIZED (
    SELECT
        one.target AS one,
        other.target AS other,
        hash(one.target, other.target) AS pair,
        one_extent.extent = other_extent.extent AS same_architectures
    FROM named AS one
    INNER JOIN named AS other
        ON one.benchmark = other.benchmark AND one.space = other.space AND one.target <> other.target
    INNER JOIN extents AS one_extent ON one.target = one_extent.target
    INNER JOIN extents AS other_extent ON other.target = other_extent.target
    WHERE one.leads
),

-- what both rank whole need not be ranked for every pair
joined AS (
    SELECT
        compared.pair,
        one_values.truth,
        other_values.truth AS other_truth
    FROM compared
    INNER JOIN true_values AS one_values ON compared.one = one_values.target
    INNER JOIN true_values AS other_values
        ON compared.other = other_values.target AND one_values.architecture = other_values.architecture
    WHERE NOT compared.same_architectures
),

ranked AS (
    SELECT
        pair,
        average_rank(truth, pair) AS truth_rank,
        average_rank(other_truth, pair) AS other_rank
    FROM joined
    UNION ALL
    SELECT
        compared.pair,
        one_values.truth_rank,
        other_values.truth_rank AS other_rank
    FROM compared
    INNER JOIN true_values AS one_values ON compared.one = one_values.target
    INNER JOIN true_values AS other_values
        ON compared.other = other_values.target AND one_values.architecture = other_values.architecture
    WHERE compared.same_architectures
),

correlated AS (
    SELECT
        pair,
        count(*) AS n,
        spearman_of_ranks(truth_rank, other_rank) AS rho
    FROM ranked
    GROUP BY pair
)

SELECT
    one.benchmark,
    one.space,
    one.dataset,
    one.metric,
    other.dataset AS other_dataset,
    other.metric AS other_metric,
    other.family,
    other.condition,
    correlated.n,
    correlated.rho,
    rho_interval(correlated.rho, correlated.n).low AS low,
    rho_interval(correlated.rho, correlated.n).high AS high
FROM compared
INNER JOIN named AS one ON compared.one = one.target
INNER JOIN named AS other ON compared.other = other.target
INNER JOIN correlated ON compared.pair = correlated.pair
