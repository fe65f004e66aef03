-- One row per proxy and architecture whose true value it was made with: a label of `tunings`, its own or, of an
-- aggregate, that of a term. Its score there does not show how well it ranks. A label counts in every space of the
-- benchmark that has an architecture of the same spec: spaces that build other networks of the same cells may have the
-- same true values.
-- Stored: small
-- Held: in memory
WITH given AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        unnest(labels) AS arch_id
    FROM tunings
),

named AS (
    SELECT
        benchmark,
        space,
        arch_id,
        spec
    FROM architectures
    WHERE EXISTS (FROM tunings) -- most lakes have none, and those of a large space take half a second
),

made AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        proxy_id,
        arch_id
    FROM given
    UNION
    SELECT
        alike.benchmark,
        alike.space,
        given.proxy_id,
        alike.arch_id
    FROM given
    INNER JOIN named
        ON
            given.benchmark = named.benchmark
            AND given.space = named.space
            AND given.arch_id = named.arch_id
    INNER JOIN named AS alike ON named.benchmark = alike.benchmark AND named.spec = alike.spec
)

SELECT
    benchmark,
    space,
    proxy_id,
    arch_id
FROM made
UNION
SELECT
    made.benchmark,
    made.space,
    terms.aggregate_id AS proxy_id,
    made.arch_id
FROM made
INNER JOIN aggregate_terms AS terms
    ON
        made.benchmark = terms.benchmark
        AND made.space = terms.space
        AND made.proxy_id = terms.proxy_id
