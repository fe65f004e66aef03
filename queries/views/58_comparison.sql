-- Every compared proxy and seed on the same architectures (see `compared`). `n`: those on which none has failed, and
-- rho over them; `n_tried`: with those on which one has; `rho_failures_last`: over these, a score that failed ranked
-- below all.
WITH ranked AS (
    SELECT
        *,
        (rank() OVER ok_by_score + count(*) OVER ok_by_score) / 2 AS score_rank,
        (rank() OVER ok_by_truth + count(*) OVER ok_by_truth) / 2 AS truth_rank,
        (rank() OVER all_by_score + count(*) OVER all_by_score) / 2 AS score_rank_of_all,
        (rank() OVER all_by_truth + count(*) OVER all_by_truth) / 2 AS truth_rank_of_all
    FROM compared
    WINDOW
        ok_by_score AS (
            PARTITION BY benchmark, space, dataset, metric, proxy_id, seed, all_ok ORDER BY score
        ),
        ok_by_truth AS (
            PARTITION BY benchmark, space, dataset, metric, proxy_id, seed, all_ok ORDER BY truth
        ),
        all_by_score AS (
            PARTITION BY benchmark, space, dataset, metric, proxy_id, seed ORDER BY score ASC NULLS FIRST
        ),
        all_by_truth AS (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed ORDER BY truth)
),

correlated AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        count(*) FILTER (WHERE all_ok) AS n,
        count(*) AS n_tried,
        count(*) FILTER (WHERE score IS NULL) AS n_failed,
        corr(score_rank, truth_rank) FILTER (WHERE all_ok) AS rho,
        corr(score_rank_of_all, truth_rank_of_all) AS rho_failures_last
    FROM ranked
    GROUP BY ALL
)

SELECT
    correlated.benchmark,
    correlated.space,
    correlated.dataset,
    correlated.metric,
    correlated.proxy_id,
    proxies.name AS proxy,
    correlated.seed,
    correlated.n,
    correlated.n_tried,
    correlated.n_failed,
    CASE WHEN isfinite(correlated.rho) THEN greatest(-1.0, least(1.0, correlated.rho)) END AS rho,
    CASE
        WHEN isfinite(correlated.rho_failures_last) THEN greatest(-1.0, least(1.0, correlated.rho_failures_last))
    END AS rho_failures_last
FROM correlated
INNER JOIN proxies ON correlated.proxy_id = proxies.proxy_id
