-- What failed, how often, and why?
-- Run: pipeline query --example failures_by_reason
SELECT
    benchmark,
    space,
    proxy,
    seed,
    status,
    reason,
    scores
FROM coverage
WHERE status <> 'ok'
ORDER BY scores DESC, benchmark, space, proxy, seed, status, reason
