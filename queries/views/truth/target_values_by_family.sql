-- One row per target of any family and architecture with a true value: `value` as it is stored, `truth` oriented, so
-- that higher is better.
SELECT
    targets.benchmark,
    targets.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    targets.split,
    numbered_truth.family,
    targets.condition,
    numbered_truth.leads,
    numbered_truth.main,
    numbered_truth.covered,
    targets.higher_is_better,
    numbered_truth.arch_id,
    numbered_truth.value,
    numbered_truth.truth
FROM numbered_truth
INNER JOIN numbered_targets AS targets ON numbered_truth.target = targets.target
