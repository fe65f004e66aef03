-- One row per target that a report leads with and other target of its space: how well the truth of the one ranks the
-- truth of the other.
SELECT
    dataset,
    metric,
    other_dataset,
    other_metric,
    n,
    rho,
    low,
    high
FROM target_agreement
WHERE benchmark = $benchmark AND space = $space
ORDER BY dataset, metric, other_dataset, other_metric
