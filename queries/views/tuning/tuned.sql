-- One row per proxy that was found with labels and seed of its scores: Spearman's rho with the target that it was tuned
-- for, on the architectures that were not among its labels. `trainings`: what finding it took.
WITH held_out AS (
    SELECT
        tunings.tuning_id,
        tunings.proxy_id,
        scores.seed,
        average_rank(
            oriented(scores.value, proxies.higher_is_better), (tunings.tuning_id, tunings.proxy_id, scores.seed)
        ) AS score_rank,
        average_rank(truths.truth, (tunings.tuning_id, tunings.proxy_id, scores.seed)) AS truth_rank
    FROM tunings
    INNER JOIN proxies ON tunings.proxy_id = proxies.proxy_id
    INNER JOIN every_score AS scores
        ON
            tunings.benchmark = scores.benchmark
            AND tunings.space = scores.space
            AND tunings.proxy_id = scores.proxy_id
            AND scores.status = 'ok'
            AND isfinite(scores.value)
    INNER JOIN target_values_by_family AS truths -- also of a family that does not lead
        ON
            tunings.benchmark = truths.benchmark
            AND tunings.space = truths.space
            AND tunings.dataset = truths.dataset
            AND tunings.metric = truths.metric
            AND scores.arch_id = truths.arch_id
    WHERE NOT list_contains(tunings.labels, scores.arch_id)
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
