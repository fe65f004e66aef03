-- One row per score of ours and score that others released for the same architecture under the same name: the parity
-- test of a proxy. `place` and `released_place` are the relative ranks (1 is the highest score as stored, ties share
-- their mean) among the architectures that both have, and `apart` is how far they lie apart.
WITH named AS MATERIALIZED (
    SELECT
        scores.benchmark,
        scores.space,
        scores.arch_id,
        scores.proxy_id,
        scores.seed,
        scores.value,
        proxies.name,
        -- a release that calls a proxy otherwise
        replace(split_part(proxies.name, '@', 1), 'nwot', 'naswot') AS same,
        proxies.kind = 'released' AS released
    FROM scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    WHERE scores.status = 'ok' AND isfinite(scores.value)
),

matched AS (
    SELECT
        ours.benchmark,
        ours.space,
        ours.arch_id,
        ours.proxy_id,
        ours.name AS proxy,
        ours.seed,
        theirs.proxy_id AS released_id,
        theirs.name AS released,
        ours.value AS score,
        theirs.value AS released_score
    FROM named AS ours
    INNER JOIN named AS theirs
        ON
            ours.benchmark = theirs.benchmark
            AND ours.space = theirs.space
            AND ours.arch_id = theirs.arch_id
            AND ours.same = theirs.same
    WHERE NOT ours.released AND theirs.released
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
