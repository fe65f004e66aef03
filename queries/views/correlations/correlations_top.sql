-- One row per proxy, seed and target: Spearman's rho among the truly best tenth of the scored architectures (with all
-- that tie with the last of them).
-- Stored: small
WITH numbered AS MATERIALIZED (
    SELECT * FROM series
),

placed AS (
    SELECT
        numbered.number,
        pairs.score,
        pairs.truth,
        rank() OVER (PARTITION BY numbered.number ORDER BY pairs.truth DESC) AS place,
        count(*) OVER (PARTITION BY numbered.number) AS scored
    FROM pairs
    INNER JOIN numbered
        ON
            pairs.benchmark = numbered.benchmark
            AND pairs.space = numbered.space
            AND pairs.dataset = numbered.dataset
            AND pairs.metric = numbered.metric
            AND pairs.proxy_id = numbered.proxy_id
            AND pairs.seed IS NOT DISTINCT FROM numbered.seed
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
        pearson(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    numbered.benchmark,
    numbered.space,
    numbered.dataset,
    numbered.metric,
    numbered.epochs,
    numbered.proxy_id,
    numbered.proxy,
    numbered.seed,
    correlated.n,
    correlated.rho
FROM correlated
INNER JOIN numbered ON correlated.number = numbered.number
