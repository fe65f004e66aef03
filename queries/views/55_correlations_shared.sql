-- Spearman's rho on the same architectures for all: those that every proxy and seed of our own has scored, so that
-- released scores of a whole space stand beside ours of a sample of it. n falls where a release lacks some of them.
WITH own AS (
    SELECT pairs.*
    FROM pairs
    INNER JOIN proxy_labels AS labels ON pairs.proxy_id = labels.proxy_id
    WHERE NOT labels.released
),

series AS (
    SELECT DISTINCT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed
    FROM own
),

counted AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        count(*) AS series
    FROM series
    GROUP BY ALL
),

shared AS (
    SELECT
        own.benchmark,
        own.space,
        own.dataset,
        own.metric,
        own.arch_id
    FROM own
    INNER JOIN counted
        ON
            own.benchmark = counted.benchmark
            AND own.space = counted.space
            AND own.dataset = counted.dataset
            AND own.metric = counted.metric
    GROUP BY ALL
    HAVING count(*) = any_value(counted.series)
),

ranked AS (
    SELECT
        pairs.*,
        rank() OVER by_score
        + (count(*) OVER (by_score RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS score_rank,
        rank() OVER by_truth
        + (count(*) OVER (by_truth RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS truth_rank
    FROM pairs
    SEMI JOIN shared
        ON
            pairs.benchmark = shared.benchmark
            AND pairs.space = shared.space
            AND pairs.dataset = shared.dataset
            AND pairs.metric = shared.metric
            AND pairs.arch_id = shared.arch_id
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
        epochs,
        proxy_id,
        proxy,
        seed,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    proxy_id,
    proxy,
    seed,
    n,
    CASE WHEN isfinite(rho) THEN greatest(-1.0, least(1.0, rho)) END AS rho
FROM correlated
