-- One row per search space: its architectures, its true values, and the scores that were computed or released of it.
WITH known AS (
    SELECT
        benchmark,
        space,
        count(*) AS architectures
    FROM architectures
    GROUP BY benchmark, space
),

measured AS (
    SELECT
        benchmark,
        space,
        count(*) AS true_values
    FROM truth
    GROUP BY benchmark, space
),

scored AS (
    SELECT
        scores.benchmark,
        scores.space,
        count(*) FILTER (WHERE proxies.kind <> 'released') AS computed,
        count(*) FILTER (WHERE proxies.kind = 'released') AS released,
        count(DISTINCT scores.proxy_id) AS proxies
    FROM scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    GROUP BY scores.benchmark, scores.space
),

spaces AS (
    SELECT
        benchmark,
        space
    FROM known
    UNION
    SELECT
        benchmark,
        space
    FROM scored
)

SELECT
    spaces.benchmark,
    spaces.space,
    coalesce(known.architectures, 0) AS architectures,
    coalesce(measured.true_values, 0) AS true_values,
    coalesce(scored.computed, 0) AS computed,
    coalesce(scored.released, 0) AS released,
    coalesce(scored.proxies, 0) AS proxies
FROM spaces
LEFT JOIN known ON spaces.benchmark = known.benchmark AND spaces.space = known.space
LEFT JOIN measured ON spaces.benchmark = measured.benchmark AND spaces.space = measured.space
LEFT JOIN scored ON spaces.benchmark = scored.benchmark AND spaces.space = scored.space
ORDER BY spaces.benchmark, spaces.space
