-- One row per target and architecture with a true value: `value` as it is stored, `truth` oriented, higher is better.
-- Held: in memory
SELECT
    targets.benchmark,
    targets.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    targets.split,
    targets.main,
    targets.covered,
    targets.higher_is_better,
    ground_truth.arch_id,
    ground_truth.value,
    oriented(ground_truth.value, targets.higher_is_better) AS truth
FROM targets
INNER JOIN ground_truth
    ON
        targets.benchmark = ground_truth.benchmark
        AND targets.space = ground_truth.space
        AND targets.dataset = ground_truth.dataset
        AND targets.metric = ground_truth.metric
