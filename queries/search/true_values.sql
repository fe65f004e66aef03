-- One row per architecture of a space: its true value for the main target, as it is stored.
SELECT
    target_values.dataset,
    target_values.metric,
    metrics.unit,
    target_values.arch_id,
    target_values.value
FROM target_values
INNER JOIN metrics
    ON
        target_values.benchmark = metrics.benchmark
        AND target_values.dataset = metrics.dataset
        AND target_values.metric = metrics.metric
WHERE target_values.main AND target_values.benchmark = $benchmark AND target_values.space = $space
