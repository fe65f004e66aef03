-- One row per score of ours and score that others released for the same architecture under the same name: the parity
-- test of a proxy. `place` and `released_place` are the relative ranks (1 is the highest score as stored, ties share
-- their mean) among the architectures that both have, and `apart` is how far they lie apart.
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
        average_rank(score, (benchmark, space, proxy_id, seed, released_id)) / count(*) OVER pair AS place,
        average_rank(released_score, (benchmark, space, proxy_id, seed, released_id)) / count(*) OVER pair
            AS released_place
    FROM matched
    WINDOW pair AS (PARTITION BY benchmark, space, proxy_id, seed, released_id)
)

SELECT
    *,
    abs(place - released_place) AS apart
FROM placed
