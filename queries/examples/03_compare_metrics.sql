-- Do two metrics rank the architectures alike, whatever source each is from? Spearman's rho over those that have both.
-- Run: pipeline query --example compare_metrics
--   --param dataset=cifar10 --param metric=test_accuracy
--   --param other_dataset=cifar10 --param other_metric=baseline_accuracy
SELECT
    one.benchmark,
    one.space,
    any_value(sources.name) AS source,
    any_value(others.name) AS other_source,
    count(*) AS n,
    round(spearman(list(one.value), list(other.value)), 4) AS spearman
FROM ground_truth AS one
INNER JOIN ground_truth AS other
    ON one.benchmark = other.benchmark AND one.space = other.space AND one.arch_id = other.arch_id
LEFT JOIN sources ON one.source_id = sources.source_id
LEFT JOIN sources AS others ON other.source_id = others.source_id
WHERE
    one.dataset = $dataset
    AND one.metric = $metric
    AND other.dataset = $other_dataset
    AND other.metric = $other_metric
GROUP BY one.benchmark, one.space, one.source_id, other.source_id
