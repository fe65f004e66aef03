-- Statuses, modes and stages that the record does not have.
SELECT
    'truth' AS table_name,
    status AS found,
    count(*) AS rows
FROM truth
WHERE status NOT IN ('ok', 'diverged', 'failed')
GROUP BY status
UNION ALL
SELECT
    'scores' AS table_name,
    status AS found,
    count(*) AS rows
FROM scores
WHERE status NOT IN ('ok', 'diverged', 'unbuildable', 'failed')
GROUP BY status
UNION ALL
SELECT
    'curves' AS table_name,
    mode AS found,
    count(*) AS rows
FROM curves
WHERE mode NOT IN ('train', 'eval')
GROUP BY mode
