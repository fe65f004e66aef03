-- How far do two seeds of one proxy agree? Spearman's rho between their scores, over the architectures that both have.
-- Run: pipeline query --file queries/examples/10_do_seeds_agree.sql
WITH paired AS (
    SELECT
        one.space,
        one.proxy_id,
        one.seed,
        other.seed AS other_seed,
        one.value,
        other.value AS other_value
    FROM scores AS one
    INNER JOIN scores AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.proxy_id = other.proxy_id
            AND one.arch_id = other.arch_id
            AND one.seed < other.seed
    WHERE one.status = 'ok' AND other.status = 'ok' AND isfinite(one.value) AND isfinite(other.value)
),

ranked AS (
    SELECT
        *,
        rank() OVER by_value
        + (count(*) OVER (by_value RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS value_rank,
        rank() OVER by_other
        + (count(*) OVER (by_other RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS other_rank
    FROM paired
    WINDOW
        by_value AS (PARTITION BY space, proxy_id, seed, other_seed ORDER BY value),
        by_other AS (PARTITION BY space, proxy_id, seed, other_seed ORDER BY other_value)
)

SELECT
    ranked.space,
    labels.label AS proxy,
    ranked.seed,
    ranked.other_seed,
    count(*) AS n,
    round(corr(ranked.value_rank, ranked.other_rank), 4) AS spearman
FROM ranked
INNER JOIN proxy_labels AS labels ON ranked.proxy_id = labels.proxy_id
GROUP BY ranked.space, labels.label, ranked.seed, ranked.other_seed
ORDER BY ranked.space, proxy, ranked.seed, ranked.other_seed
