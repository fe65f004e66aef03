-- One row per target of any family and architecture with a true value: `value` as it is stored, `truth` oriented, so
-- that higher is better. Where one family is asked for, or those that lead, the true values of the others are not read.
WITH named AS (
    SELECT
        *,
        hash(benchmark, space, dataset, metric) AS target
    FROM targets
)

SELECT
    named.benchmark,
    named.space,
    named.dataset,
    named.metric,
    named.epochs,
    named.split,
    numbered_truth.family,
    named.condition,
    numbered_truth.leads,
    numbered_truth.main,
    numbered_truth.covered,
    named.higher_is_better,
    numbered_truth.arch_id,
    numbered_truth.value,
    numbered_truth.truth
FROM numbered_truth
INNER JOIN named ON numbered_truth.target = named.target
