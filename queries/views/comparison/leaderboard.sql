-- One row per proxy and seed of a space's main target, the highest rho first: Spearman's rho on the architectures that
-- all compared proxies have scored (see `comparison`), oriented so that higher is better, with its 95 % interval (see
-- the macro `rho_interval`), and what a score costs. Comparisons of fewer than 30 architectures are left out, and so is
-- a proxy whose rho is not defined, as that of equal scores. Those of equal rho share a `place`. `seconds` is the
-- median wall time of one score, so that a slow first call does not count.
WITH costs AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        median(seconds) AS seconds
    FROM every_score
    WHERE seconds IS NOT NULL
    GROUP BY ALL
)

SELECT
    comparison.benchmark,
    comparison.space,
    comparison.dataset,
    comparison.metric,
    rank() OVER (PARTITION BY comparison.benchmark, comparison.space ORDER BY round(comparison.rho, 9) DESC) AS place,
    labels.label AS proxy,
    labels.kind,
    comparison.seed,
    comparison.rho,
    rho_interval(comparison.rho, comparison.n).low AS low,
    rho_interval(comparison.rho, comparison.n).high AS high,
    comparison.n,
    comparison.n_failed,
    costs.seconds,
    comparison.proxy_id
FROM comparison
INNER JOIN targets
    ON
        comparison.benchmark = targets.benchmark
        AND comparison.space = targets.space
        AND comparison.dataset = targets.dataset
        AND comparison.metric = targets.metric
        AND targets.main
INNER JOIN proxy_labels AS labels ON comparison.proxy_id = labels.proxy_id
LEFT JOIN costs
    ON
        comparison.benchmark = costs.benchmark
        AND comparison.space = costs.space
        AND comparison.proxy_id = costs.proxy_id
        AND comparison.seed IS NOT DISTINCT FROM costs.seed
WHERE comparison.n >= 30 AND comparison.rho IS NOT NULL
ORDER BY comparison.benchmark, comparison.space, place, labels.label, comparison.seed
