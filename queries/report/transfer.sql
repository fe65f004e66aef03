-- One row per pair of spaces: rho on one of a rule that was tuned on the other, the rule that `tune` finds by default
-- with all the terms that it may use; of several numbers of labels the largest. Within one space, rho is taken without
-- the labelled architectures.
WITH ranked AS (
    SELECT
        *,
        benchmark || ' ' || space AS tuned_on,
        to_benchmark || ' ' || to_space AS scored_on,
        row_number() OVER (
            PARTITION BY benchmark, space, to_benchmark, to_space
            ORDER BY labels_given DESC, terms = 'all' DESC, terms ASC
        ) AS place
    FROM tuned_methods
    WHERE method = 'mixed'
)

SELECT
    tuned_on,
    scored_on,
    terms,
    labels,
    draws,
    n,
    rho,
    low,
    high
FROM ranked
WHERE place = 1
ORDER BY tuned_on, scored_on
