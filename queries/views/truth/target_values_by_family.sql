-- One row per target of any family and architecture with a true value: `value` as it is stored, `truth` oriented, so
-- that higher is better. Where one family is asked for, or those that lead, the true values of the others are not read.
WITH named AS MATERIALIZED (
    SELECT
        *,
        hash(benchmark, space, dataset, metric) AS target
    FROM targets
),

-- as `ground_truth`; a target is a number here, because grouping by its names takes several times as long
measured AS (
    SELECT
        named.target,
        named.family,
        named.leads,
        named.main,
        named.covered,
        truth.arch_id,
        seed_mean(truth.value) AS value
    FROM named
    INNER JOIN final_truth AS truth
        ON
            named.benchmark = truth.benchmark
            AND named.space = truth.space
            AND named.dataset = truth.dataset
            AND named.metric = truth.metric
            AND named.epochs IS NOT DISTINCT FROM truth.epochs
            AND named.source_id = truth.source_id
    GROUP BY ALL
)

SELECT
    named.benchmark,
    named.space,
    named.dataset,
    named.metric,
    named.epochs,
    named.split,
    measured.family,
    named.condition,
    measured.leads,
    measured.main,
    measured.covered,
    named.higher_is_better,
    measured.arch_id,
    measured.value,
    oriented(measured.value, named.higher_is_better) AS truth
FROM measured
INNER JOIN named ON measured.target = named.target
