-- One row per target: the true values of the given architectures as published, each with the architecture's
-- identity.
WITH drawn AS (
    SELECT
        unnest($benchmarks::VARCHAR[]) AS benchmark,
        unnest($spaces::VARCHAR[]) AS space,
        unnest($arch_ids::VARCHAR[]) AS arch_id
)

SELECT
    target_values.benchmark,
    target_values.space,
    target_values.dataset,
    target_values.metric,
    list(target_values.arch_id ORDER BY target_values.arch_id) AS arch_ids,
    list(target_values.value ORDER BY target_values.arch_id) AS truths
FROM target_values
INNER JOIN drawn
    ON
        target_values.benchmark = drawn.benchmark
        AND target_values.space = drawn.space
        AND target_values.arch_id = drawn.arch_id
WHERE isfinite(target_values.value)
GROUP BY target_values.benchmark, target_values.space, target_values.dataset, target_values.metric
ORDER BY target_values.benchmark, target_values.space, target_values.dataset, target_values.metric
