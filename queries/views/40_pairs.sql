-- Every score beside the true value of its architecture, a row a target. `score` and `truth` are oriented: higher is
-- better. Only scores that are ok and finite; `correlations` counts the others.
SELECT
    scores.benchmark,
    scores.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    scores.proxy_id,
    proxies.name AS proxy,
    scores.seed,
    scores.arch_id,
    scores.value AS score_as_stored,
    ground_truth.value AS truth_as_stored,
    CASE WHEN proxies.higher_is_better THEN scores.value ELSE -scores.value END AS score,
    CASE WHEN targets.higher_is_better THEN ground_truth.value ELSE -ground_truth.value END AS truth
FROM scores
INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
INNER JOIN ground_truth
    ON
        scores.benchmark = ground_truth.benchmark
        AND scores.space = ground_truth.space
        AND scores.arch_id = ground_truth.arch_id
INNER JOIN targets
    ON
        ground_truth.benchmark = targets.benchmark
        AND ground_truth.space = targets.space
        AND ground_truth.dataset = targets.dataset
        AND ground_truth.metric = targets.metric
WHERE scores.status = 'ok' AND isfinite(scores.value)
