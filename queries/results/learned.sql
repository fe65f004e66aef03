-- One row per number of labels and way to learn beside the generic rule, in one space: rho on what was not labelled,
-- the mean over the draws and the interval that holds 95 % of them, and the difference to the rule in the same draws.
SELECT
    labels_given,
    method,
    draws,
    n,
    rho,
    low,
    high,
    difference,
    difference_low,
    difference_high
FROM tuned_evaluations
WHERE
    list_contains($evaluations, evaluation_id)
    AND terms = 'scores and graph'
    AND benchmark = $benchmark
    AND space = $space
    AND to_benchmark = $benchmark
    AND to_space = $space
ORDER BY labels_given, method
