-- One row per search and seed of a space: the true value of the best architecture found, step by step; `scored` are the
-- distinct architectures up to the step. Steps whose best has no true value are left out.
SELECT
    search_id,
    seed,
    list(scored ORDER BY step) AS scored,
    list(truth ORDER BY step) AS truth
FROM search_progress
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric AND truth IS NOT NULL
GROUP BY ALL
ORDER BY search_id, seed
