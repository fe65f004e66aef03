-- One row per proxy and architecture whose true value it was made with: a label of `tunings`, its own or, of an
-- aggregate, that of a term. Its score there does not show how well it ranks.
SELECT
    benchmark,
    space,
    proxy_id,
    unnest(labels) AS arch_id
FROM tunings
UNION
SELECT
    tunings.benchmark,
    tunings.space,
    terms.aggregate_id AS proxy_id,
    unnest(tunings.labels) AS arch_id
FROM tunings
INNER JOIN aggregate_terms AS terms
    ON
        tunings.benchmark = terms.benchmark
        AND tunings.space = terms.space
        AND tunings.proxy_id = terms.proxy_id
