-- Spearman's rho among the truly best tenth of the scored architectures (with all that tie with the last of them).
WITH series AS (
    SELECT DISTINCT
        benchmark,
        space,
        proxy_id,
        proxy,
        seed
    FROM coverage
),

-- numbered, as in `correlations`
cells AS MATERIALIZED (
    SELECT
        series.*,
        targets.dataset,
        targets.metric,
        targets.epochs,
        row_number() OVER () AS cell
    FROM series
    INNER JOIN targets ON series.benchmark = targets.benchmark AND series.space = targets.space
),

placed AS (
    SELECT
        cells.cell,
        pairs.score,
        pairs.truth,
        rank() OVER (PARTITION BY cells.cell ORDER BY pairs.truth DESC) AS place,
        count(*) OVER (PARTITION BY cells.cell) AS scored
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

best AS (
    SELECT *
    FROM placed
    WHERE place <= ceil(scored / 10)
),

ranked AS (
    SELECT
        cell,
        (rank() OVER by_score + count(*) OVER by_score) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM best
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
    correlated.n,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho
FROM correlated
INNER JOIN cells ON correlated.cell = cells.cell
