-- One row per table and status, mode or kind of proxy that no row may have.
SELECT
    'truth' AS table_name,
    status AS unknown,
    count(*) AS rows
FROM truth
WHERE status NOT IN ('ok', 'diverged', 'failed')
GROUP BY status
UNION ALL
SELECT
    'scores' AS table_name,
    status AS unknown,
    count(*) AS rows
FROM scores
WHERE status NOT IN ('ok', 'diverged', 'unbuildable', 'failed')
GROUP BY status
UNION ALL
SELECT
    'curves' AS table_name,
    mode AS unknown,
    count(*) AS rows
FROM curves
WHERE mode NOT IN ('train', 'eval')
GROUP BY mode
UNION ALL
SELECT
    'proxies' AS table_name,
    kind AS unknown,
    count(*) AS rows
FROM proxies
WHERE kind NOT IN ('trained', 'zero-cost', 'aggregate', 'released')
GROUP BY kind
