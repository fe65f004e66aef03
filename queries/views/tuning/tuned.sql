-- One row per proxy that was found with labels and seed of its scores: Spearman's rho with the target that it was tuned
-- for, on the architectures that were not among its labels. `trainings`: what finding it took.
WITH held_out AS (
    SELECT
        tunings.tuning_id,
        tunings.proxy_id,
        pairs.benchmark,
        pairs.space,
        pairs.seed,
        average_rank(pairs.score, (tunings.tuning_id, tunings.proxy_id, pairs.seed)) AS score_rank,
        average_rank(pairs.truth, (tunings.tuning_id, tunings.proxy_id, pairs.seed)) AS truth_rank
    FROM tunings
    INNER JOIN pairs
        ON
            tunings.benchmark = pairs.benchmark
            AND tunings.space = pairs.space
            AND tunings.dataset = pairs.dataset
            AND tunings.metric = pairs.metric
            AND tunings.proxy_id = pairs.proxy_id
    WHERE NOT list_contains(tunings.labels, pairs.arch_id)
),

correlated AS (
    SELECT
        tuning_id,
        proxy_id,
        seed,
        count(*) AS n,
        spearman_of_ranks(score_rank, truth_rank) AS rho
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
    correlated.rho
FROM tunings
LEFT JOIN correlated ON tunings.tuning_id = correlated.tuning_id AND tunings.proxy_id = correlated.proxy_id
