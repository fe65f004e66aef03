-- What does a search with a latency limit find? Of each proxy, the true value of the architecture with the highest
-- score among those within the limit that it has scored (of equal scores the worst), beside the best of the whole space
-- within it.
-- Run: pipeline query --example what_a_limit_allows --param cost=edgegpu_latency --param dataset=cifar10 --param most=4
WITH within AS (
    SELECT
        benchmark,
        space,
        arch_id,
        value AS cost_value
    FROM target_values_by_family
    WHERE metric = $cost AND dataset = $dataset AND value <= $most
),

best AS (
    SELECT
        benchmark,
        space,
        max_by(value, cost_value) AS best_of_space
    FROM pareto_fronts
    WHERE cost_metric = $cost AND cost_dataset = $dataset AND cost_value <= $most
    GROUP BY benchmark, space
)

SELECT
    pairs.benchmark,
    pairs.space,
    labels.label,
    pairs.seed,
    count(*) AS within_limit,
    max_by(pairs.truth_as_stored, (pairs.score, -pairs.truth)) AS found,
    max_by(within.cost_value, (pairs.score, -pairs.truth, pairs.arch_id)) AS its_cost,
    any_value(best.best_of_space) AS best_of_space
FROM pairs
INNER JOIN targets
    ON
        pairs.benchmark = targets.benchmark
        AND pairs.space = targets.space
        AND pairs.dataset = targets.dataset
        AND pairs.metric = targets.metric
        AND targets.main
INNER JOIN within
    ON pairs.benchmark = within.benchmark AND pairs.space = within.space AND pairs.arch_id = within.arch_id
INNER JOIN best ON pairs.benchmark = best.benchmark AND pairs.space = best.space
INNER JOIN proxy_labels AS labels ON pairs.proxy_id = labels.proxy_id
GROUP BY pairs.benchmark, pairs.space, labels.label, pairs.seed
ORDER BY pairs.benchmark, pairs.space, max_by(pairs.truth, (pairs.score, -pairs.truth)) DESC, labels.label, pairs.seed
