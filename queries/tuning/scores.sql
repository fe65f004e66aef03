-- The stored scores of a space, a row a proxy: architectures and scores in the same order, higher is better. Scores of
-- the seed asked for, or without one; a score that failed is NULL.
WITH scored AS (
    SELECT
        scores.proxy_id,
        scores.arch_id,
        avg(
            CASE
                WHEN scores.status <> 'ok' OR NOT isfinite(scores.value) THEN NULL
                WHEN proxies.higher_is_better THEN scores.value
                ELSE -scores.value
            END
        ) AS score
    FROM sampled_scores AS scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    WHERE scores.benchmark = $benchmark AND scores.space = $space AND coalesce(scores.seed, $seed) = $seed
    GROUP BY ALL
)

SELECT
    scored.proxy_id,
    labels.name AS proxy,
    labels.label,
    list(scored.arch_id ORDER BY scored.arch_id) AS arch_ids,
    list(scored.score ORDER BY scored.arch_id) AS scores
FROM scored
INNER JOIN proxy_labels AS labels ON scored.proxy_id = labels.proxy_id
GROUP BY ALL
ORDER BY labels.label, scored.proxy_id
