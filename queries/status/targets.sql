-- One row per metric that proxies can be ranked by, of which the lake has a true value: what it is, in which family.
SELECT
    benchmark,
    dataset,
    metric,
    unit,
    higher_is_better,
    coalesce(family, 'quality') AS family,
    condition
FROM metrics
WHERE higher_is_better IS NOT NULL AND priority IS NOT NULL
ORDER BY benchmark, coalesce(family, 'quality') <> 'quality', coalesce(family, 'quality'), priority, dataset, metric
