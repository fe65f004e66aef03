-- One row per target that a report leads with and other target of its space: how well the truth of the one ranks the
-- truth of the other.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    other_dataset,
    other_metric,
    n,
    rho,
    low,
    high
FROM target_agreement
ORDER BY benchmark, space, dataset, metric, other_dataset, other_metric
