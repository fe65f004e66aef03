-- One row per target of any family and architecture with a true value: `target_values_by_family` with a number in the
-- place of the target's names, their hash, by which several slow views join and group in a fraction of the time. Where
-- one family is asked for, or those that lead, the true values of the others are not read.
-- Held: in memory
WITH named AS MATERIALIZED (
    SELECT
        *,
        hash(benchmark, space, dataset, metric) AS target
    FROM targets
),

-- as `ground_truth`
measured AS (
    SELECT
        named.target,
        named.family,
        named.leads,
        named.main,
        named.covered,
        named.higher_is_better,
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
    target,
    family,
    leads,
    main,
    covered,
    arch_id,
    value,
    oriented(value, higher_is_better) AS truth
FROM measured
