-- One row per way to weigh terms in one space: rho on what was not labelled, the mean over the draws and the interval
-- that holds 95 % of them.
SELECT
    terms,
    method,
    labels,
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
    AND terms <> 'scores and graph'
    AND benchmark = $benchmark
    AND space = $space
    AND to_benchmark = $benchmark
    AND to_space = $space
ORDER BY labels > 0, terms, method
