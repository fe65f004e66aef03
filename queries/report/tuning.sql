-- One row per way to use labels in one space, the best first; of several numbers of labels the largest.
SELECT
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
WHERE
    benchmark = $benchmark AND space = $space AND to_benchmark = $benchmark AND to_space = $space
    AND dataset = $dataset AND metric = $metric
QUALIFY labels_given = max(labels_given) OVER ()
ORDER BY rho DESC, terms, method
