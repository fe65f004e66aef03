-- One row per architecture of a space: its true value for the main target, oriented so that higher is better.
SELECT
    dataset,
    metric,
    arch_id,
    truth
FROM target_values
WHERE main AND benchmark = $benchmark AND space = $space
ORDER BY arch_id
