-- The main target of a space: its architectures with their true values, oriented so that higher is better.
SELECT
    targets.dataset,
    targets.metric,
    ground_truth.arch_id,
    CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
FROM targets
INNER JOIN ground_truth
    ON
        targets.benchmark = ground_truth.benchmark
        AND targets.space = ground_truth.space
        AND targets.dataset = ground_truth.dataset
        AND targets.metric = ground_truth.metric
WHERE targets.main AND targets.benchmark = $benchmark AND targets.space = $space
ORDER BY ground_truth.arch_id
