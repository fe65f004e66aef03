-- One row per limit on a cost, which is a quantile of that cost over the space, and proxy: the best true value of the
-- space within the limit, the best that the proxy has scored, and the true value and the cost of the architecture with
-- its highest score: of equal scores the cheapest, and of equal costs the worse, as in queries/report/limits.sql.
WITH costs AS (
    SELECT
        arch_id,
        value AS cost_value
    FROM target_values_by_family
    WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric
),

limits AS (
    SELECT
        unnest([0.1, 0.25, 0.5, 0.75, 1.0]::DOUBLE[]) AS share,
        unnest(quantile_disc(cost_value, [0.1, 0.25, 0.5, 0.75, 1.0])) AS most
    FROM costs
),

best AS (
    SELECT
        limits.share,
        count(*) AS on_front,
        max_by(fronts.value, fronts.cost_value) AS best_of_space
    FROM pareto_fronts AS fronts
    INNER JOIN limits ON fronts.cost_value <= limits.most
    WHERE
        fronts.benchmark = $benchmark
        AND fronts.space = $space
        AND fronts.cost_dataset = $dataset
        AND fronts.cost_metric = $metric
    GROUP BY limits.share
)

SELECT
    limits.share,
    limits.most,
    best.on_front,
    best.best_of_space,
    labels.label AS proxy,
    count(*) AS scored,
    max_by(pairs.truth_as_stored, pairs.truth) AS best_of_scored,
    max_by(pairs.truth_as_stored, (pairs.score, -costs.cost_value, -pairs.truth)) AS picked,
    max_by(costs.cost_value, (pairs.score, -costs.cost_value)) AS its_cost
FROM pairs
INNER JOIN targets
    ON
        pairs.benchmark = targets.benchmark
        AND pairs.space = targets.space
        AND pairs.dataset = targets.dataset
        AND pairs.metric = targets.metric
        AND targets.main
INNER JOIN costs ON pairs.arch_id = costs.arch_id
INNER JOIN limits ON costs.cost_value <= limits.most
INNER JOIN best ON limits.share = best.share
INNER JOIN proxy_labels AS labels ON pairs.proxy_id = labels.proxy_id
WHERE pairs.benchmark = $benchmark AND pairs.space = $space AND pairs.seed = 0 AND NOT labels.released
GROUP BY limits.share, limits.most, best.on_front, best.best_of_space, labels.label
ORDER BY limits.share, labels.label
