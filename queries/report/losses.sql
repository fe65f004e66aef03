-- The stage-weighted loss curve of every architecture with its oriented truth, for one proxy, seed and target; only
-- architectures whose loss is finite at every iteration.
SELECT
    curves.mode,
    list(curves.iteration ORDER BY curves.iteration) AS iterations,
    list(curves.loss ORDER BY curves.iteration) AS losses,
    any_value(CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END) AS truth
FROM weighted_curves AS curves
INNER JOIN ground_truth
    ON
        curves.benchmark = ground_truth.benchmark
        AND curves.space = ground_truth.space
        AND curves.arch_id = ground_truth.arch_id
INNER JOIN targets
    ON
        ground_truth.benchmark = targets.benchmark
        AND ground_truth.space = targets.space
        AND ground_truth.dataset = targets.dataset
        AND ground_truth.metric = targets.metric
WHERE
    curves.benchmark = $benchmark
    AND curves.space = $space
    AND curves.proxy_id = $proxy_id
    AND curves.seed IS NOT DISTINCT FROM $seed
    AND targets.dataset = $dataset
    AND targets.metric = $metric
    AND isfinite(curves.loss)
GROUP BY curves.mode, curves.arch_id
QUALIFY count(*) = max(count(*)) OVER (PARTITION BY curves.mode)
ORDER BY curves.mode, curves.arch_id
