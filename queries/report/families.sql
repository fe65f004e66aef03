-- One row per target of a space beside those that its report leads with, in the order of their families.
SELECT
    dataset,
    metric,
    epochs,
    unit,
    higher_is_better,
    family,
    condition,
    source,
    architectures
FROM targets
WHERE benchmark = $benchmark AND space = $space AND NOT leads AND covered
ORDER BY min(priority) OVER (PARTITION BY family), family, priority, dataset, metric
