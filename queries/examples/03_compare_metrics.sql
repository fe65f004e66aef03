-- Do two metrics rank the architectures alike, whatever source each is from? Spearman's rho over those that have both.
-- Run: pipeline query --file queries/examples/03_compare_metrics.sql
--   --param dataset=cifar10 --param metric=test_accuracy
--   --param other_dataset=cifar10 --param other_metric=baseline_accuracy
WITH paired AS (
    SELECT
        one.space,
        one.source_id,
        other.source_id AS other_source_id,
        one.value,
        other.value AS other_value
    FROM ground_truth AS one
    INNER JOIN ground_truth AS other
        ON one.benchmark = other.benchmark AND one.space = other.space AND one.arch_id = other.arch_id
    WHERE
        one.dataset = $dataset
        AND one.metric = $metric
        AND other.dataset = $other_dataset
        AND other.metric = $other_metric
),

ranked AS (
    SELECT
        *,
        rank() OVER by_value
        + (count(*) OVER (by_value RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS value_rank,
        rank() OVER by_other
        + (count(*) OVER (by_other RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS other_rank
    FROM paired
    WINDOW
        by_value AS (PARTITION BY space, source_id, other_source_id ORDER BY value),
        by_other AS (PARTITION BY space, source_id, other_source_id ORDER BY other_value)
)

SELECT
    ranked.space,
    any_value(sources.name) AS source,
    any_value(others.name) AS other_source,
    count(*) AS n,
    round(corr(ranked.value_rank, ranked.other_rank), 4) AS spearman
FROM ranked
LEFT JOIN sources ON ranked.source_id = sources.source_id
LEFT JOIN sources AS others ON ranked.other_source_id = others.source_id
GROUP BY ranked.space, ranked.source_id, ranked.other_source_id
