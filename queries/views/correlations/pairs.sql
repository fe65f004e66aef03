-- One row per score and target with a true value of the architecture. `score` and `truth` are oriented: higher is
-- better. Only scores that are ok and finite; `correlations` counts the others. A proxy that was made with labels has
-- no row for these (`labelled`).
-- Stored: large
-- Held: in memory
SELECT
    scores.benchmark,
    scores.space,
    target_values.dataset,
    target_values.metric,
    target_values.epochs,
    scores.proxy_id,
    proxies.name AS proxy,
    scores.seed,
    scores.arch_id,
    scores.value AS score_as_stored,
    target_values.value AS truth_as_stored,
    oriented(scores.value, proxies.higher_is_better) AS score,
    target_values.truth
FROM judged_scores AS scores
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
INNER JOIN target_values
    ON
        scores.benchmark = target_values.benchmark
        AND scores.space = target_values.space
        AND scores.arch_id = target_values.arch_id
WHERE scores.status = 'ok' AND isfinite(scores.value)
