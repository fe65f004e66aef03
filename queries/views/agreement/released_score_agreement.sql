-- How far our scores agree with released ones of the same name (see `released_score_pairs`): Pearson's and Spearman's
-- correlation. `factor`: released over ours, where it is the same for all but a millionth, else NULL. `own_rho`: how
-- far ours agree with ours of another seed on ten or more of these architectures, the mean over other seeds; where
-- draws of weights decide, an agreement with anybody is not expected to be higher.
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
        corr(score, released_score) AS pearson,
        corr(place, released_place) AS spearman,
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
        (rank() OVER by_one + count(*) OVER by_one) / 2 AS place,
        (rank() OVER by_other + count(*) OVER by_other) / 2 AS other_place
    FROM released_score_pairs AS one
    INNER JOIN released_score_pairs AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.arch_id = other.arch_id
            AND one.proxy_id = other.proxy_id
            AND one.released_id = other.released_id
            AND one.seed <> other.seed
    WINDOW
        by_pair AS (
            PARTITION BY one.benchmark, one.space, one.proxy_id, one.seed, one.released_id, other.seed
        ),
        by_one AS (by_pair ORDER BY one.score),
        by_other AS (by_pair ORDER BY other.score)
),

by_seed AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        released_id,
        other_seed,
        corr(place, other_place) AS rho
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
        avg(rho) FILTER (WHERE isfinite(rho)) AS own_rho
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
    CASE WHEN isfinite(measured.pearson) THEN greatest(-1.0, least(1.0, measured.pearson)) END AS pearson,
    CASE WHEN isfinite(measured.spearman) THEN greatest(-1.0, least(1.0, measured.spearman)) END AS spearman,
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
