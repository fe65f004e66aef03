-- One row per proxy, seed and target: Spearman's rho of every compared proxy on the same architectures (see
-- `comparison_scores`). `n`: those on which none has failed, and rho over them; `n_tried`: with those on which one has;
-- `rho_failures_last`: over these, a score that failed ranked below all.
-- Stored: small
WITH compared AS MATERIALIZED (
    SELECT * FROM comparison_scores
),

numbered AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        row_number() OVER () AS number -- see `series`, which would count all scores for it
    FROM compared
    GROUP BY ALL
),

scored AS (
    SELECT
        numbered.number,
        compared.score,
        compared.truth,
        compared.all_ok,
        CASE WHEN compared.all_ok THEN numbered.number END AS number_if_ok
    FROM compared
    INNER JOIN numbered
        ON
            compared.benchmark = numbered.benchmark
            AND compared.space = numbered.space
            AND compared.dataset = numbered.dataset
            AND compared.metric = numbered.metric
            AND compared.proxy_id = numbered.proxy_id
            AND compared.seed IS NOT DISTINCT FROM numbered.seed
),

ranked AS (
    SELECT
        number,
        score,
        all_ok,
        CASE WHEN all_ok THEN average_rank(score, number_if_ok) END AS score_rank,
        CASE WHEN all_ok THEN average_rank(truth, number_if_ok) END AS truth_rank,
        average_rank(coalesce(score, '-inf'::DOUBLE), number) AS score_rank_of_all,
        average_rank(truth, number) AS truth_rank_of_all
    FROM scored
),

correlated AS (
    SELECT
        number,
        count(*) FILTER (WHERE all_ok) AS n,
        count(*) AS n_tried,
        count(*) FILTER (WHERE score IS NULL) AS n_failed,
        spearman_of_ranks(score_rank, truth_rank) AS rho,
        spearman_of_ranks(score_rank_of_all, truth_rank_of_all) AS rho_failures_last
    FROM ranked
    GROUP BY ALL
)

SELECT
    numbered.benchmark,
    numbered.space,
    numbered.dataset,
    numbered.metric,
    numbered.proxy_id,
    proxies.name AS proxy,
    numbered.seed,
    correlated.n,
    correlated.n_tried,
    correlated.n_failed,
    correlated.rho,
    correlated.rho_failures_last
FROM correlated
INNER JOIN numbered ON correlated.number = numbered.number
INNER JOIN proxies ON numbered.proxy_id = proxies.proxy_id
