-- One row per proxy and seed of ours and released proxy of the same name: how far their scores agree (see
-- `released_score_pairs`), as Pearson's and Spearman's correlation. `factor`: released over ours, where it is the same
-- for all but a millionth, else NULL. `own_rho`: how far ours agree with ours of another seed on ten or more of these
-- architectures, the mean over other seeds; where draws of weights decide, an agreement with anybody is not expected to
-- be higher.
WITH measured AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        proxy,
        seed,
        released_id,
        released,
        count(*) AS n,
        pearson(score, released_score) AS pearson,
        pearson(place, released_place) AS spearman,
        max(apart) AS largest_apart,
        min(released_score / nullif(score, 0)) AS least_factor,
        max(released_score / nullif(score, 0)) AS largest_factor
    FROM released_score_pairs
    GROUP BY ALL
),

seeds AS (
    SELECT
        one.benchmark,
        one.space,
        one.proxy_id,
        one.seed,
        one.released_id,
        other.seed AS other_seed,
        average_rank(
            one.score, (one.benchmark, one.space, one.proxy_id, one.seed, one.released_id, other.seed)
        ) AS place,
        average_rank(
            other.score, (one.benchmark, one.space, one.proxy_id, one.seed, one.released_id, other.seed)
        ) AS other_place
    FROM released_score_pairs AS one
    INNER JOIN released_score_pairs AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.arch_id = other.arch_id
            AND one.proxy_id = other.proxy_id
            AND one.released_id = other.released_id
            AND one.seed <> other.seed
),

by_seed AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        released_id,
        other_seed,
        spearman_of_ranks(place, other_place) AS rho
    FROM seeds
    GROUP BY ALL
    HAVING count(*) >= 10
),

own AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        released_id,
        avg(rho ORDER BY rho) AS own_rho
    FROM by_seed
    GROUP BY ALL
)

SELECT
    measured.benchmark,
    measured.space,
    measured.proxy_id,
    measured.proxy,
    measured.seed,
    measured.released_id,
    measured.released,
    measured.n,
    measured.pearson,
    measured.spearman,
    measured.largest_apart,
    CASE
        WHEN measured.largest_factor - measured.least_factor <= 1e-6 * abs(measured.largest_factor)
            THEN measured.largest_factor
    END AS factor,
    own.own_rho
FROM measured
LEFT JOIN own
    ON
        measured.benchmark = own.benchmark
        AND measured.space = own.space
        AND measured.proxy_id = own.proxy_id
        AND measured.seed IS NOT DISTINCT FROM own.seed
        AND measured.released_id = own.released_id
