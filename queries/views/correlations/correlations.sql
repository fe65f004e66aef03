-- One row per proxy, seed and target: Spearman's rho. `n` architectures have both a score and a true value; `n_failed`
-- scores failed; `n_no_truth` scores have no true value. rho is NULL where it is not defined.
-- Stored: small
WITH numbered AS MATERIALIZED (
    SELECT * FROM series
),

ranked AS (
    SELECT
        numbered.number,
        average_rank(pairs.score, numbered.number) AS score_rank,
        average_rank(pairs.truth, numbered.number) AS truth_rank
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
    coalesce(correlated.n, 0) AS n,
    numbered.n_failed,
    numbered.n_ok - coalesce(correlated.n, 0) AS n_no_truth,
    correlated.rho
FROM numbered
LEFT JOIN correlated ON numbered.number = correlated.number
