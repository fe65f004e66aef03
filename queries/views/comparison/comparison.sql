-- Every compared proxy and seed on the same architectures (see `comparison_scores`). `n`: those on which none has
-- failed, and rho over them; `n_tried`: with those on which one has; `rho_failures_last`: over these, a score that
-- failed ranked below all.
WITH tried AS MATERIALIZED (
    SELECT *
    FROM comparison_scores
),

-- numbered, as in `correlations`
cells AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        row_number() OVER () AS cell
    FROM tried
    GROUP BY ALL
),

numbered AS (
    SELECT
        cells.cell,
        tried.score,
        tried.truth,
        tried.all_ok
    FROM tried
    INNER JOIN cells
        ON
            tried.benchmark = cells.benchmark
            AND tried.space = cells.space
            AND tried.dataset = cells.dataset
            AND tried.metric = cells.metric
            AND tried.proxy_id = cells.proxy_id
            AND tried.seed IS NOT DISTINCT FROM cells.seed
),

ranked AS (
    SELECT
        *,
        (rank() OVER ok_by_score + count(*) OVER ok_by_score) / 2 AS score_rank,
        (rank() OVER ok_by_truth + count(*) OVER ok_by_truth) / 2 AS truth_rank,
        (rank() OVER all_by_score + count(*) OVER all_by_score) / 2 AS score_rank_of_all,
        (rank() OVER all_by_truth + count(*) OVER all_by_truth) / 2 AS truth_rank_of_all
    FROM numbered
    WINDOW
        ok_by_score AS (PARTITION BY cell, all_ok ORDER BY score),
        ok_by_truth AS (PARTITION BY cell, all_ok ORDER BY truth),
        all_by_score AS (PARTITION BY cell ORDER BY score ASC NULLS FIRST),
        all_by_truth AS (PARTITION BY cell ORDER BY truth)
),

correlated AS (
    SELECT
        cell,
        count(*) FILTER (WHERE all_ok) AS n,
        count(*) AS n_tried,
        count(*) FILTER (WHERE score IS NULL) AS n_failed,
        corr(score_rank, truth_rank) FILTER (WHERE all_ok) AS rho,
        corr(score_rank_of_all, truth_rank_of_all) AS rho_failures_last
    FROM ranked
    GROUP BY ALL
)

SELECT
    cells.benchmark,
    cells.space,
    cells.dataset,
    cells.metric,
    cells.proxy_id,
    proxies.name AS proxy,
    cells.seed,
    correlated.n,
    correlated.n_tried,
    correlated.n_failed,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho,
    CASE
        WHEN isfinite(correlated.rho_failures_last) THEN greatest(-1.0, least(1.0, correlated.rho_failures_last))
    END AS rho_failures_last
FROM correlated
INNER JOIN cells ON correlated.cell = cells.cell
INNER JOIN proxies ON cells.proxy_id = proxies.proxy_id
