-- One row per value that is not finite, missing though the status is ok, there though it is not, or a failure without a
-- reason.
SELECT
    'truth' AS table_name,
    arch_id,
    metric AS what,
    seed,
    value,
    status,
    reason
FROM truth
WHERE
    (status = 'ok') IS DISTINCT FROM coalesce(isfinite(value), FALSE)
    OR (status <> 'ok' AND (value IS NOT NULL OR reason IS NULL))
UNION ALL
SELECT
    'scores' AS table_name,
    arch_id,
    proxy_id AS what,
    seed,
    value,
    status,
    reason
FROM scores
WHERE
    (status = 'ok') IS DISTINCT FROM coalesce(isfinite(value), FALSE)
    OR (status <> 'ok' AND (value IS NOT NULL OR reason IS NULL))
UNION ALL
SELECT
    'retried' AS table_name,
    arch_id,
    proxy_id AS what,
    seed,
    value,
    'ok' AS status,
    NULL AS reason
FROM retried
WHERE NOT isfinite(value)
