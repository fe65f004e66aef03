-- One row per score and target with a true value of the architecture. `score` and `truth` are oriented: higher is
-- better. Only scores that are ok and finite; `correlations` counts the others.
-- Stored: large
-- Held: in memory
SELECT
    scores.benchmark,
    scores.space,
    ground_truth.dataset,
    ground_truth.metric,
    ground_truth.epochs,
    scores.proxy_id,
    proxies.name AS proxy,
    scores.seed,
    scores.arch_id,
    scores.value AS score_as_stored,
    ground_truth.value AS truth_as_stored,
    oriented(scores.value, proxies.higher_is_better) AS score,
    oriented(ground_truth.value, metrics.higher_is_better) AS truth
FROM every_score AS scores
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
INNER JOIN ground_truth
    ON
        scores.benchmark = ground_truth.benchmark
        AND scores.space = ground_truth.space
        AND scores.arch_id = ground_truth.arch_id
-- what makes a target, without the counting that `targets` does beside
INNER JOIN metrics
    ON
        ground_truth.benchmark = metrics.benchmark
        AND ground_truth.dataset = metrics.dataset
        AND ground_truth.metric = metrics.metric
WHERE
    scores.status = 'ok' AND isfinite(scores.value)
    AND metrics.higher_is_better IS NOT NULL AND metrics.priority IS NOT NULL
