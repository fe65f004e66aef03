-- One row per target beside those that its space's report leads with, in the order of their families.
SELECT
    benchmark,
    space,
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
WHERE NOT leads AND covered
ORDER BY
    benchmark,
    space,
    min(priority) OVER (PARTITION BY benchmark, space, family),
    family,
    priority,
    dataset,
    metric
