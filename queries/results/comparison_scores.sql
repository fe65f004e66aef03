-- One row per target and compared proxy of our own: its scores on the architectures that all of them scored, beside
-- the true values, in the order of the architectures' identities.
SELECT
    comparison_scores.benchmark,
    comparison_scores.space,
    comparison_scores.dataset,
    comparison_scores.metric,
    labels.name AS proxy,
    list(comparison_scores.score ORDER BY comparison_scores.arch_id) AS scores,
    list(comparison_scores.truth ORDER BY comparison_scores.arch_id) AS truths
FROM comparison_scores
INNER JOIN proxy_labels AS labels ON comparison_scores.proxy_id = labels.proxy_id
WHERE
    comparison_scores.all_ok
    AND labels.name NOT LIKE 'tuned-%'
    AND NOT labels.released
GROUP BY ALL
ORDER BY ALL
