-- Spearman's rho of a proxy and seed with each target: Pearson's correlation of ranks, ties averaged. `n` architectures
-- have both; `n_failed` scores failed; `n_no_truth` scores have no true value. rho is NULL where it is not defined.
WITH counted AS (
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
),

-- each has a number, because to sort by one number is several times as fast as by the names it stands for
cells AS MATERIALIZED (
    SELECT
        counted.*,
        targets.dataset,
        targets.metric,
        targets.epochs,
        row_number() OVER () AS cell
    FROM counted
    INNER JOIN targets ON counted.benchmark = targets.benchmark AND counted.space = targets.space
),

numbered AS (
    SELECT
        cells.cell,
        pairs.score,
        pairs.truth
    FROM pairs
    INNER JOIN cells
        ON
            pairs.benchmark = cells.benchmark
            AND pairs.space = cells.space
            AND pairs.dataset = cells.dataset
            AND pairs.metric = cells.metric
            AND pairs.proxy_id = cells.proxy_id
            AND pairs.seed IS NOT DISTINCT FROM cells.seed
),

ranked AS (
    SELECT
        cell,
        (rank() OVER by_score + count(*) OVER by_score) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM numbered
    WINDOW
        by_score AS (PARTITION BY cell ORDER BY score),
        by_truth AS (PARTITION BY cell ORDER BY truth)
),

correlated AS (
    SELECT
        cell,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    cells.benchmark,
    cells.space,
    cells.dataset,
    cells.metric,
    cells.epochs,
    cells.proxy_id,
    cells.proxy,
    cells.seed,
    coalesce(correlated.n, 0) AS n,
    cells.n_failed,
    cells.n_ok - coalesce(correlated.n, 0) AS n_no_truth,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM cells
LEFT JOIN correlated ON cells.cell = correlated.cell
