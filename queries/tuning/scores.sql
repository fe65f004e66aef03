-- One row per proxy: the stored scores of a space, architectures and scores in the same order, higher is better. Scores
-- of the seed asked for, or without one; a score that failed is NULL. What tunings predicted knows labels and is left
-- out. `labelled`: the architectures of the space whose true values the proxy was made with, as an evolved task.
WITH scored AS (
    SELECT
        scores.proxy_id,
        scores.arch_id,
        avg(
            CASE
                WHEN scores.status = 'ok' AND isfinite(scores.value)
                    THEN oriented(scores.value, proxies.higher_is_better)
            END
        ) AS score
    FROM sampled_scores AS scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    WHERE
        scores.benchmark = $benchmark
        AND scores.space = $space
        AND coalesce(scores.seed, $seed) = $seed
        AND proxies.kind <> 'aggregate'
    GROUP BY ALL
),

made AS (
    SELECT
        proxy_id,
        list(arch_id) AS labelled
    FROM labelled
    WHERE benchmark = $benchmark AND space = $space
    GROUP BY ALL
)

SELECT
    scored.proxy_id,
    labels.name AS proxy,
    labels.label,
    list(scored.arch_id ORDER BY scored.arch_id) AS arch_ids,
    list(scored.score ORDER BY scored.arch_id) AS scores,
    coalesce(any_value(made.labelled), []) AS labelled
FROM scored
INNER JOIN proxy_labels AS labels ON scored.proxy_id = labels.proxy_id
LEFT JOIN made ON scored.proxy_id = made.proxy_id
GROUP BY ALL
ORDER BY labels.label, scored.proxy_id
