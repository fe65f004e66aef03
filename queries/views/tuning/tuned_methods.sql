-- One row per way to use labels, as the report shows it: the rows of `tuned_evaluations` of the newest evaluation of
-- each pair of spaces and number of labels.
-- Held: in memory
SELECT
    benchmark,
    space,
    to_benchmark,
    to_space,
    dataset,
    metric,
    labels_given,
    terms,
    method,
    labels,
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
FROM tuned_evaluations
WHERE newest
