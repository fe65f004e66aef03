-- Does what 20 labels of one space teach help in another? Each way to use them, its mean rho over draws of the labels
-- with the interval of 95 % of the draws, and whether it beats the best that takes no label.
-- Run: pipeline query --example does_a_tuned_rule_transfer
SELECT
    benchmark || ' ' || space AS tuned_on,
    to_benchmark || ' ' || to_space AS scored_on,
    terms,
    method,
    labels,
    n,
    draws,
    round(rho, 3) AS rho,
    round(low, 3) AS low,
    round(high, 3) AS high,
    verdict
FROM tuned_methods
WHERE method <> 'alone'
ORDER BY tuned_on, scored_on, rho DESC, terms, method
