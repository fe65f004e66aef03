-- One row per proxy and seed: its scores of the given architectures as stored, each with the architecture's identity.
WITH drawn AS (
    SELECT unnest($architectures::VARCHAR[]) AS arch_id
)

SELECT
    scores.proxy_id,
    scores.seed,
    list(scores.arch_id ORDER BY scores.arch_id) AS arch_ids,
    list(scores.value ORDER BY scores.arch_id) AS scores
FROM every_score AS scores
INNER JOIN drawn ON scores.arch_id = drawn.arch_id
WHERE
    scores.benchmark = $benchmark AND scores.space = $space
    AND scores.status = 'ok' AND isfinite(scores.value)
GROUP BY scores.proxy_id, scores.seed
ORDER BY scores.proxy_id, scores.seed
