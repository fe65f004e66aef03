-- What failed, how often, and why?
-- Run: pipeline query --file queries/examples/08_failures_by_reason.sql
SELECT
    space,
    proxy,
    seed,
    status,
    reason,
    scores
FROM coverage
WHERE status <> 'ok'
ORDER BY scores DESC, space, proxy, seed, status, reason
