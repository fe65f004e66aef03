-- One row per target of any family and architecture with a true value: `target_values_by_family` with a number in the
-- place of the target's names, their hash, by which several slow views join and group in a fraction of the time. Where
-- one family is asked for, or those that lead, the true values of the others are not read.
-- Held: in memory
WITH named AS MATERIALIZED (
    SELECT
        targets.*,
        hash(targets.benchmark, targets.space, targets.dataset, targets.metric) AS target,
        hash(
            targets.benchmark, targets.space, targets.dataset, targets.metric, targets.epochs, targets.source_id
        ) AS column_of_truth,
        reference.measured > reference.architectures AS repeated
    FROM targets
    INNER JOIN reference_sources AS reference
        ON
            targets.benchmark = reference.benchmark
            AND targets.space = reference.space
            AND targets.dataset = reference.dataset
            AND targets.metric = reference.metric
            AND targets.epochs IS NOT DISTINCT FROM reference.epochs
            AND targets.source_id = reference.source_id
),

finals AS (
    SELECT
        hash(benchmark, space, dataset, metric, epochs, source_id) AS column_of_truth,
        arch_id,
        value
    FROM final_truth
),

taken AS MATERIALIZED (
    SELECT
        named.target,
        named.repeated,
        finals.arch_id,
        finals.value
    FROM finals
    INNER JOIN named ON finals.column_of_truth = named.column_of_truth
),

-- as `ground_truth`; most targets have one value per architecture, which need not be grouped
measured AS (
    SELECT
        target,
        arch_id,
        value
    FROM taken
    WHERE NOT repeated
    UNION ALL
    SELECT
        target,
        arch_id,
        seed_mean(value) AS value
    FROM taken
    WHERE repeated
    GROUP BY target, arch_id
)

SELECT
    measured.target,
    named.family,
    named.leads,
    named.main,
    named.covered,
    measured.arch_id,
    measured.value,
    oriented(measured.value, named.higher_is_better) AS truth
FROM measured
INNER JOIN named ON measured.target = named.target
