-- The proxies that were found with labels, and how well each ranks the architectures that were not among its labels:
-- Spearman's rho with the target that it was tuned for, for each seed of its scores. `trainings`: what finding it took.
WITH held_out AS (
    SELECT
        tunings.tuning_id,
        tunings.proxy_id,
        pairs.benchmark,
        pairs.space,
        pairs.seed,
        (rank() OVER by_score + count(*) OVER by_score) / 2 AS score_rank,
        (rank() OVER by_truth + count(*) OVER by_truth) / 2 AS truth_rank
    FROM tunings
    INNER JOIN pairs
        ON
            tunings.benchmark = pairs.benchmark
            AND tunings.space = pairs.space
            AND tunings.dataset = pairs.dataset
            AND tunings.metric = pairs.metric
            AND tunings.proxy_id = pairs.proxy_id
    WHERE NOT list_contains(tunings.labels, pairs.arch_id)
    WINDOW
        by_score AS (PARTITION BY tunings.tuning_id, tunings.proxy_id, pairs.seed ORDER BY pairs.score),
        by_truth AS (PARTITION BY tunings.tuning_id, tunings.proxy_id, pairs.seed ORDER BY pairs.truth)
),

correlated AS (
    SELECT
        tuning_id,
        proxy_id,
        seed,
        count(*) AS n,
        corr(score_rank, truth_rank) AS rho
    FROM held_out
    GROUP BY ALL
)

SELECT
    tunings.benchmark,
    tunings.space,
    tunings.dataset,
    tunings.metric,
    tunings.name,
    tunings.proxy_id,
    tunings.method,
    len(tunings.labels) AS labels,
    tunings.seed AS sample_seed,
    tunings.trainings,
    tunings.fitness,
    correlated.seed,
    coalesce(correlated.n, 0) AS n,
    CASE WHEN isfinite(correlated.rho) THEN correlated.rho END AS rho
FROM tunings
LEFT JOIN correlated ON tunings.tuning_id = correlated.tuning_id AND tunings.proxy_id = correlated.proxy_id
