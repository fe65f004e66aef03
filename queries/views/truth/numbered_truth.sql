-- One row per target of any family and architecture with a true value: `target_values_by_family` with a number in the
-- place of the target's names, see `numbered_targets`.
-- Held: in memory
WITH finals AS (
    SELECT
        hash(benchmark, space, dataset, metric, epochs, source_id) AS column_of_truth,
        arch_id,
        value
    FROM final_truth
),

taken AS MATERIALIZED (
    SELECT
        targets.target,
        targets.repeated,
        finals.arch_id,
        finals.value
    FROM finals
    INNER JOIN numbered_targets AS targets ON finals.column_of_truth = targets.column_of_truth
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
    targets.family,
    targets.leads,
    targets.main,
    targets.covered,
    measured.arch_id,
    measured.value,
    oriented(measured.value, targets.higher_is_better) AS truth
FROM measured
INNER JOIN numbered_targets AS targets ON measured.target = targets.target
