-- One row per proxy: what to call it, which is its name; with the kind of its input images where another proxy of that
-- name has scored the same space (or, of an aggregate, all of its terms have), and with its identity where that does
-- not tell them apart either. `released` and `aggregate` say whether it is of this kind.
-- Held: in memory
WITH named AS (
    SELECT
        proxy_id,
        name,
        kind,
        configuration ->> '$.images.kind' AS images
    FROM proxies
),

scored AS (
    SELECT DISTINCT
        benchmark,
        space,
        proxy_id
    FROM scores
    UNION ALL
    SELECT
        benchmark,
        space,
        aggregate_id AS proxy_id
    FROM aggregate_terms
    GROUP BY ALL
    HAVING count(*) = any_value(terms) -- all have scores there
),

namesakes AS (
    SELECT
        named.proxy_id,
        count(*) FILTER (WHERE named.images IS NOT DISTINCT FROM other.images) AS same_images
    FROM named
    INNER JOIN named AS other ON named.name = other.name AND named.proxy_id <> other.proxy_id
    INNER JOIN scored ON named.proxy_id = scored.proxy_id
    INNER JOIN scored AS other_scored
        ON
            other.proxy_id = other_scored.proxy_id
            AND scored.benchmark = other_scored.benchmark
            AND scored.space = other_scored.space
    GROUP BY ALL
)

SELECT
    named.proxy_id,
    named.name,
    named.name
    || CASE WHEN namesakes.proxy_id IS NULL THEN '' ELSE coalesce(' (' || named.images || ' images)', '') END
    || CASE WHEN namesakes.same_images > 0 THEN ' ' || named.proxy_id[:6] ELSE '' END AS label,
    named.images,
    named.kind,
    named.kind = 'released' AS released,
    named.kind = 'aggregate' AS aggregate
FROM named
LEFT JOIN namesakes ON named.proxy_id = namesakes.proxy_id
