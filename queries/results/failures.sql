-- One row per target, proxy and seed: the architectures with a true value of the target that the proxy failed on. The
-- other queries of this folder read it as a table; `correlations.n_failed` counts architectures without one, too.
SELECT
    scores.benchmark,
    scores.space,
    truths.dataset,
    truths.metric,
    scores.proxy_id,
    scores.seed,
    count(*) AS n_failed
FROM every_score AS scores
INNER JOIN target_values AS truths
    ON
        scores.benchmark = truths.benchmark
        AND scores.space = truths.space
        AND scores.arch_id = truths.arch_id
WHERE scores.status <> 'ok'
GROUP BY ALL
