-- One row per proxy, seed and target: Spearman's rho among the truly best tenth of the scored architectures (rounded
-- up, with all that tie with the last of them).
-- Stored: small
WITH placed AS (
    SELECT
        number,
        score,
        truth,
        rank() OVER (PARTITION BY number ORDER BY truth DESC) AS place,
        count(*) OVER (PARTITION BY number) AS scored
    FROM series_pairs
),

ranked AS (
    SELECT
        number,
        average_rank(score, number) AS score_rank,
        average_rank(truth, number) AS truth_rank
    FROM placed
    WHERE place <= ceil(scored / 10)
),

correlated AS (
    SELECT
        number,
        count(*) AS n,
        spearman_of_ranks(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    series.benchmark,
    series.space,
    series.dataset,
    series.metric,
    series.epochs,
    series.proxy_id,
    series.proxy,
    series.seed,
    correlated.n,
    correlated.rho
FROM correlated
INNER JOIN series ON correlated.number = series.number
