-- Spearman's rho among the truly best tenth of the scored architectures (with all that tie with the last of them).
WITH placed AS (
    SELECT
        *,
        rank() OVER (
            PARTITION BY benchmark, space, dataset, metric, proxy_id, seed
            ORDER BY truth DESC
        ) AS place,
        count(*) OVER (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed) AS scored
    FROM pairs
),

best AS (
    SELECT *
    FROM placed
    WHERE place <= ceil(scored / 10)
),

ranked AS (
    SELECT
        *,
        rank() OVER by_score
        + (count(*) OVER (by_score RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS score_rank,
        rank() OVER by_truth
        + (count(*) OVER (by_truth RANGE BETWEEN CURRENT ROW AND CURRENT ROW) - 1) / 2 AS truth_rank
    FROM best
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
