-- The true value of an architecture for each target, oriented so that higher is better; with what the target is.
SELECT
    targets.benchmark,
    targets.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    targets.split,
    targets.main,
    targets.covered,
    ground_truth.arch_id,
    CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
FROM targets
INNER JOIN ground_truth
    ON
        targets.benchmark = ground_truth.benchmark
        AND targets.space = ground_truth.space
        AND targets.dataset = ground_truth.dataset
        AND targets.metric = ground_truth.metric
