-- One row per ordered pair of compared proxies and seeds, for each target: how much higher Spearman's rho of the first
-- is than that of the `other`, on the architectures that all compared proxies have scored (see `comparison`), with its
-- 95 % interval (see the macro `difference_interval`). `agreement`: rho between their scores. Comparisons of fewer than
-- ten architectures are left out.
-- Stored: small
WITH ranked AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        arch_id,
        average_rank(score, (benchmark, space, dataset, metric, proxy_id, seed)) AS place
    FROM comparison_scores
    WHERE all_ok
),

paired AS (
    SELECT
        one.benchmark,
        one.space,
        one.dataset,
        one.metric,
        one.proxy_id,
        one.seed,
        other.proxy_id AS other_id,
        other.seed AS other_seed,
        spearman_of_ranks(one.place, other.place) AS agreement
    FROM ranked AS one
    INNER JOIN ranked AS other
        ON
            one.benchmark = other.benchmark
            AND one.space = other.space
            AND one.dataset = other.dataset
            AND one.metric = other.metric
            AND one.arch_id = other.arch_id
    WHERE (one.proxy_id, one.seed) IS DISTINCT FROM (other.proxy_id, other.seed)
    GROUP BY ALL
)

SELECT
    paired.benchmark,
    paired.space,
    paired.dataset,
    paired.metric,
    labels.label AS proxy,
    paired.seed,
    other_labels.label AS other,
    paired.other_seed,
    own.rho,
    others.rho AS other_rho,
    own.rho - others.rho AS difference,
    difference_interval(own.rho, others.rho, paired.agreement, own.n).low AS low,
    difference_interval(own.rho, others.rho, paired.agreement, own.n).high AS high,
    paired.agreement,
    own.n,
    paired.proxy_id,
    paired.other_id
FROM paired
INNER JOIN comparison AS own
    ON
        paired.benchmark = own.benchmark
        AND paired.space = own.space
        AND paired.dataset = own.dataset
        AND paired.metric = own.metric
        AND paired.proxy_id = own.proxy_id
        AND paired.seed IS NOT DISTINCT FROM own.seed
INNER JOIN comparison AS others
    ON
        paired.benchmark = others.benchmark
        AND paired.space = others.space
        AND paired.dataset = others.dataset
        AND paired.metric = others.metric
        AND paired.other_id = others.proxy_id
        AND paired.other_seed IS NOT DISTINCT FROM others.seed
INNER JOIN proxy_labels AS labels ON paired.proxy_id = labels.proxy_id
INNER JOIN proxy_labels AS other_labels ON paired.other_id = other_labels.proxy_id
WHERE own.n >= 10
