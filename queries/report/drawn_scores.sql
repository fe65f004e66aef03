-- One row per space, proxy and seed: the scores of the given architectures as stored, each with the architecture's
-- identity, but for the labels that a proxy was made with, which are in no rho beside the chart either.
WITH drawn AS (
    SELECT
        unnest($benchmarks::VARCHAR[]) AS benchmark,
        unnest($spaces::VARCHAR[]) AS space,
        unnest($arch_ids::VARCHAR[]) AS arch_id
)

SELECT
    scores.benchmark,
    scores.space,
    scores.proxy_id,
    scores.seed,
    list(scores.arch_id ORDER BY scores.arch_id) AS arch_ids,
    list(scores.value ORDER BY scores.arch_id) AS scores
FROM judged_scores AS scores
INNER JOIN drawn
    ON
        scores.benchmark = drawn.benchmark
        AND scores.space = drawn.space
        AND scores.arch_id = drawn.arch_id
WHERE scores.status = 'ok' AND isfinite(scores.value)
GROUP BY scores.benchmark, scores.space, scores.proxy_id, scores.seed
ORDER BY scores.benchmark, scores.space, scores.proxy_id, scores.seed
