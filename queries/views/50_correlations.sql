-- Spearman's rho of a proxy and seed with each target: Pearson's correlation of ranks, ties averaged. `n` architectures
-- have both; `n_failed` scores failed; `n_no_truth` scores have no true value. rho is NULL where it is not defined.
WITH ranked AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        rank() OVER by_score
        + (count(*) OVER (by_score RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS score_rank,
        rank() OVER by_truth
        + (count(*) OVER (by_truth RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS truth_rank
    FROM pairs
    WINDOW
        by_score AS (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed ORDER BY score),
        by_truth AS (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed ORDER BY truth)
),

correlated AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
),

counted AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        proxy,
        seed,
        coalesce(sum(scores) FILTER (WHERE status = 'ok'), 0)::BIGINT AS n_ok,
        coalesce(sum(scores) FILTER (WHERE status <> 'ok'), 0)::BIGINT AS n_failed
    FROM coverage
    GROUP BY ALL
)

SELECT
    counted.benchmark,
    counted.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    counted.proxy_id,
    counted.proxy,
    counted.seed,
    coalesce(correlated.n, 0) AS n,
    counted.n_failed,
    counted.n_ok - coalesce(correlated.n, 0) AS n_no_truth,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM counted
INNER JOIN targets ON counted.benchmark = targets.benchmark AND counted.space = targets.space
LEFT JOIN correlated
    ON
        counted.benchmark = correlated.benchmark
        AND counted.space = correlated.space
        AND targets.dataset = correlated.dataset
        AND targets.metric = correlated.metric
        AND counted.proxy_id = correlated.proxy_id
        AND counted.seed IS NOT DISTINCT FROM correlated.seed
