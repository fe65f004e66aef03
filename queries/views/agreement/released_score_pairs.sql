-- Our scores beside those that others released under the same name, architecture by architecture: the parity test of a
-- proxy. `place` and `released_place` are the relative ranks (1 is the highest score as stored, ties share their mean)
-- among the architectures that both have, and `apart` is how far they lie apart.
WITH named AS (
    SELECT
        proxy_id,
        name,
        -- a release that calls a proxy otherwise
        replace(split_part(name, '@', 1), 'nwot', 'naswot') AS same,
        kind = 'released' AS released
    FROM proxies
),

matched AS (
    SELECT
        ours.benchmark,
        ours.space,
        ours.arch_id,
        ours.proxy_id,
        named.name AS proxy,
        ours.seed,
        theirs.proxy_id AS released_id,
        others.name AS released,
        ours.value AS score,
        theirs.value AS released_score
    FROM scores AS ours
    INNER JOIN named ON ours.proxy_id = named.proxy_id AND NOT named.released
    INNER JOIN named AS others ON named.same = others.same AND others.released
    INNER JOIN scores AS theirs
        ON
            others.proxy_id = theirs.proxy_id
            AND ours.benchmark = theirs.benchmark
            AND ours.space = theirs.space
            AND ours.arch_id = theirs.arch_id
    WHERE ours.status = 'ok' AND theirs.status = 'ok' AND isfinite(ours.value) AND isfinite(theirs.value)
),

placed AS (
    SELECT
        *,
        (rank() OVER by_score + count(*) OVER by_score) / 2 / count(*) OVER pair AS place,
        (rank() OVER by_released + count(*) OVER by_released) / 2 / count(*) OVER pair AS released_place
    FROM matched
    WINDOW
        pair AS (PARTITION BY benchmark, space, proxy_id, seed, released_id),
        by_score AS (pair ORDER BY score),
        by_released AS (pair ORDER BY released_score)
)

SELECT
    *,
    abs(place - released_place) AS apart
FROM placed
