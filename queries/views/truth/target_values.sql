-- The true value of an architecture for each target: `value` as it is stored, `truth` oriented, higher is better.
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
    CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
FROM targets
INNER JOIN ground_truth
    ON
        targets.benchmark = ground_truth.benchmark
        AND targets.space = ground_truth.space
        AND targets.dataset = ground_truth.dataset
        AND targets.metric = ground_truth.metric
