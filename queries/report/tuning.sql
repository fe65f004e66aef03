-- One row per target and way to use labels within its space, the best first; of several numbers of labels the largest.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    terms,
    method,
    labels,
    labels_given,
    draws,
    n,
    rho,
    low,
    high,
    best_without_labels,
    difference,
    difference_low,
    difference_high,
    verdict
FROM tuned_methods
WHERE to_benchmark = benchmark AND to_space = space
QUALIFY labels_given = max(labels_given) OVER (PARTITION BY benchmark, space, dataset, metric)
ORDER BY benchmark, space, dataset, metric, rho DESC, terms, method
