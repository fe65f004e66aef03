-- One row per reason: scores that failed.
SELECT
    coverage.benchmark,
    coverage.space,
    labels.label,
    labels.released,
    coverage.proxy_id,
    coverage.seed,
    coverage.status,
    coverage.reason,
    coverage.scores
FROM coverage
INNER JOIN proxy_labels AS labels ON coverage.proxy_id = labels.proxy_id
WHERE coverage.status <> 'ok'
ORDER BY
    coverage.benchmark,
    coverage.space,
    coverage.scores DESC,
    labels.label,
    coverage.seed,
    coverage.reason,
    coverage.status
