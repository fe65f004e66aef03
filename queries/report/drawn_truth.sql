-- One row per target of a space: the true values of the given architectures as published, each with the architecture's
-- identity.
WITH drawn AS (
    SELECT unnest($architectures::VARCHAR[]) AS arch_id
)

SELECT
    truth.dataset,
    truth.metric,
    list(truth.arch_id ORDER BY truth.arch_id) AS arch_ids,
    list(truth.value ORDER BY truth.arch_id) AS truths
FROM ground_truth AS truth
INNER JOIN targets
    ON
        truth.benchmark = targets.benchmark
        AND truth.space = targets.space
        AND truth.dataset = targets.dataset
        AND truth.metric = targets.metric
INNER JOIN drawn ON truth.arch_id = drawn.arch_id
WHERE truth.benchmark = $benchmark AND truth.space = $space AND isfinite(truth.value)
GROUP BY truth.dataset, truth.metric
ORDER BY truth.dataset, truth.metric
