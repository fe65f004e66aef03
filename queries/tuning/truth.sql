-- The main target of a space: its architectures with their true values, oriented so that higher is better.
SELECT
    dataset,
    metric,
    arch_id,
    truth
FROM target_values
WHERE main AND benchmark = $benchmark AND space = $space
ORDER BY arch_id
