-- Spearman's rho on the same architectures for all: those that every proxy and seed of our own has scored, so that
-- released scores of a whole space stand beside ours of a sample of it. n falls where a release or an aggregate lacks
-- some of them.
WITH series AS (
    SELECT DISTINCT
        coverage.benchmark,
        coverage.space,
        coverage.proxy_id,
        coverage.proxy,
        coverage.seed,
        labels.released OR labels.aggregate AS follows
    FROM coverage
    INNER JOIN proxy_labels AS labels ON coverage.proxy_id = labels.proxy_id
),

-- numbered, as in `correlations`
cells AS MATERIALIZED (
    SELECT
        series.*,
        targets.dataset,
        targets.metric,
        targets.epochs,
        row_number() OVER () AS cell,
        dense_rank() OVER (ORDER BY targets.benchmark, targets.space, targets.dataset, targets.metric) AS target
    FROM series
    INNER JOIN targets ON series.benchmark = targets.benchmark AND series.space = targets.space
),

numbered AS MATERIALIZED (
    SELECT
        cells.cell,
        cells.target,
        cells.follows,
        pairs.arch_id,
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

counted AS (
    SELECT
        target,
        count(DISTINCT cell) AS series
    FROM numbered
    WHERE NOT follows
    GROUP BY ALL
),

shared AS (
    SELECT
        numbered.target,
        numbered.arch_id
    FROM numbered
    INNER JOIN counted ON numbered.target = counted.target
    WHERE NOT numbered.follows
    GROUP BY ALL
    HAVING count(*) = any_value(counted.series)
),

ranked AS (
    SELECT
        numbered.cell,
        (rank() OVER by_score + count(*) OVER by_score) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM numbered
    SEMI JOIN shared ON numbered.target = shared.target AND numbered.arch_id = shared.arch_id
    WINDOW
        by_score AS (PARTITION BY numbered.cell ORDER BY numbered.score),
        by_truth AS (PARTITION BY numbered.cell ORDER BY numbered.truth)
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
