-- One row per proxy, seed and target: Spearman's rho. `n` architectures have both a score and a true value; `n_failed`
-- scores failed, whether there is a true value or not; `n_no_truth` scores that did not fail have no true value. rho is
-- NULL where it is not defined.
-- Stored: small
WITH ranked AS (
    SELECT
        number,
        average_rank(score, number) AS score_rank,
        average_rank(truth, number) AS truth_rank
    FROM series_pairs
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
    coalesce(correlated.n, 0) AS n,
    series.n_failed,
    series.n_ok - coalesce(correlated.n, 0) AS n_no_truth,
    correlated.rho
FROM series
LEFT JOIN correlated ON series.number = correlated.number
