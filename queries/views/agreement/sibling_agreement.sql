-- One row per column of true values and kind of sibling: the audit of what was joined wrongly. A column is a target as
-- one source and training length state it, the mean over seeds (`seed` NULL) or one of them. Its siblings state the
-- same property under the same condition, of another seed, training length (`epochs`), metric of one source, data set
-- (`dataset`) or source. `rho`: Spearman's, both with higher as better, the highest with any of the `siblings` of that
-- kind that share 30 architectures or more with it, on `n` architectures; `usual`: the median over the other columns'
-- pairs of that kind in the space, NULL where there is none. `disagrees`: rho is below half of the usual, or below 0.2
-- where none is known, and so is the upper end of its interval (see `rho_interval`). Of large columns about 2,000
-- architectures are taken, by their identities.
-- Stored: small
WITH quantities AS (
    SELECT
        benchmark,
        dataset,
        metric,
        higher_is_better,
        coalesce(family, 'quality') AS family,
        condition
    FROM metrics
    WHERE higher_is_better IS NOT NULL AND priority IS NOT NULL
),

finals AS (
    SELECT
        truth.benchmark,
        truth.space,
        truth.dataset,
        truth.metric,
        truth.epochs,
        truth.source_id,
        truth.seed,
        truth.arch_id,
        hash(
            truth.benchmark, truth.space, truth.dataset, truth.metric, truth.epochs, truth.source_id
        ) AS column_of_truth,
        oriented(truth.value, quantities.higher_is_better) AS value,
        -- accuracy before an attack is accuracy; what a network costs is nothing of the kind, also of one device alone
        CASE
            WHEN quantities.condition IS NOT NULL THEN quantities.family || ' ' || quantities.condition
            WHEN quantities.family NOT IN ('quality', 'robustness') THEN quantities.family
            ELSE ''
        END AS property
    FROM final_truth AS truth
    INNER JOIN quantities
        ON
            truth.benchmark = quantities.benchmark
            AND truth.dataset = quantities.dataset
            AND truth.metric = quantities.metric
),

by_seed AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        epochs,
        source_id,
        column_of_truth,
        seed,
        property,
        count(*) AS architectures
    FROM finals
    GROUP BY ALL
),

-- the means over seeds, and beside them each seed that many architectures share
means_and_seeds AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        epochs,
        source_id,
        column_of_truth,
        NULL::BIGINT AS seed,
        property,
        sum(architectures)::BIGINT AS architectures
    FROM by_seed
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT *
    FROM by_seed
    WHERE seed IS NOT NULL
),

columns_of_truth AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS number
    FROM means_and_seeds
    WHERE architectures >= 30
    QUALIFY count(*) OVER (PARTITION BY benchmark, space, property) > 1
),

sizes AS (
    SELECT
        benchmark,
        space,
        -- an identity is a hash: those below this are a sample
        printf('%08x', (4294967295 * least(1, 2000 / max(architectures)))::BIGINT) AS most
    FROM columns_of_truth
    GROUP BY benchmark, space
),

-- a small column would keep too little of itself in a sample of the space
small AS MATERIALIZED (
    SELECT DISTINCT
        finals.benchmark,
        finals.space,
        finals.arch_id
    FROM finals
    INNER JOIN columns_of_truth AS few
        ON
            finals.column_of_truth = few.column_of_truth
            AND few.seed IS NULL
            AND few.architectures <= 4000
),

kept AS MATERIALIZED (
    SELECT finals.*
    FROM finals
    INNER JOIN sizes ON finals.benchmark = sizes.benchmark AND finals.space = sizes.space
    LEFT JOIN small
        ON finals.benchmark = small.benchmark AND finals.space = small.space AND finals.arch_id = small.arch_id
    WHERE
        finals.arch_id[:8] <= sizes.most
        OR small.arch_id IS NOT NULL
),

measured AS MATERIALIZED (
    SELECT
        columns_of_truth.number,
        kept.arch_id,
        seed_mean(kept.value) AS value
    FROM kept
    INNER JOIN columns_of_truth
        ON
            kept.column_of_truth = columns_of_truth.column_of_truth
            AND coalesce(kept.seed = columns_of_truth.seed, columns_of_truth.seed IS NULL)
    GROUP BY columns_of_truth.number, kept.arch_id
),

compared AS MATERIALIZED (
    SELECT
        one.number AS one,
        other.number AS other,
        one.benchmark,
        one.space,
        hash(least(one.number, other.number), greatest(one.number, other.number)) AS pair,
        CASE
            WHEN one.dataset <> other.dataset THEN 'dataset'
            WHEN one.source_id <> other.source_id THEN 'source'
            WHEN one.metric <> other.metric THEN 'metric'
            WHEN coalesce(one.epochs, 0) <> coalesce(other.epochs, 0) THEN 'epochs'
            ELSE 'seed'
        END AS kind
    FROM columns_of_truth AS one
    INNER JOIN columns_of_truth AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.property = other.property
            AND one.number <> other.number
            AND (one.seed IS NULL) = (other.seed IS NULL)
    -- one seed stands beside the others of its training, the mean for all of them beside everything else
    WHERE one.seed IS NULL OR kind = 'seed'
),

ranked AS (
    SELECT
        compared.pair,
        average_rank(one_values.value, compared.pair) AS value_rank,
        average_rank(other_values.value, compared.pair) AS other_rank
    FROM compared
    INNER JOIN measured AS one_values ON compared.one = one_values.number
    INNER JOIN measured AS other_values
        ON compared.other = other_values.number AND one_values.arch_id = other_values.arch_id
    WHERE compared.one < compared.other
),

correlated AS MATERIALIZED (
    SELECT
        pair,
        count(*) AS n,
        spearman_of_ranks(value_rank, other_rank) AS rho
    FROM ranked
    GROUP BY pair
    HAVING count(*) >= 30
),

related AS MATERIALIZED (
    SELECT
        compared.*,
        correlated.n,
        correlated.rho
    FROM compared
    INNER JOIN correlated ON compared.pair = correlated.pair
    WHERE correlated.rho IS NOT NULL
),

best AS (
    SELECT
        one AS number,
        benchmark,
        space,
        kind,
        count(*) AS siblings,
        max_by(n, (rho, n)) AS n,
        max(rho) AS rho
    FROM related
    GROUP BY one, benchmark, space, kind
),

customs AS (
    SELECT
        best.number,
        best.kind,
        median(others.rho) AS usual
    FROM best
    INNER JOIN related AS others
        ON
            best.benchmark = others.benchmark
            AND best.space = others.space
            AND best.kind = others.kind
            AND best.number <> others.one
            AND best.number <> others.other
    GROUP BY best.number, best.kind
)

SELECT
    columns_of_truth.benchmark,
    columns_of_truth.space,
    columns_of_truth.dataset,
    columns_of_truth.metric,
    columns_of_truth.epochs,
    columns_of_truth.seed,
    columns_of_truth.source_id,
    coalesce(sources.name, columns_of_truth.source_id) AS source,
    best.kind,
    best.siblings,
    best.n,
    best.rho,
    customs.usual,
    coalesce(rho_interval(best.rho, best.n).high, best.rho) < coalesce(customs.usual / 2, 0.2) AS disagrees
FROM best
INNER JOIN columns_of_truth ON best.number = columns_of_truth.number
LEFT JOIN customs ON best.number = customs.number AND best.kind = customs.kind
LEFT JOIN sources ON columns_of_truth.source_id = sources.source_id
