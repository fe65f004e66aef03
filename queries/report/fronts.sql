-- One row per cost of a space: its front (`pareto_fronts`), the cheapest architecture first.
SELECT
    cost_dataset AS dataset,
    cost_metric AS metric,
    list(cost_value ORDER BY cost_value) AS costs,
    list(value ORDER BY cost_value) AS found
FROM pareto_fronts
WHERE benchmark = $benchmark AND space = $space AND family <> $family
GROUP BY cost_dataset, cost_metric
ORDER BY cost_dataset, cost_metric
