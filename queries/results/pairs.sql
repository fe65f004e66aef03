-- One row per target and proxy of our own, seed 0: its scores beside the true values, both oriented so that higher is
-- better, in the order of the architectures' identities.
SELECT
    pairs.benchmark,
    pairs.space,
    pairs.dataset,
    pairs.metric,
    pairs.proxy,
    list(pairs.arch_id ORDER BY pairs.arch_id) AS arch_ids,
    list(pairs.score ORDER BY pairs.arch_id) AS scores,
    list(pairs.truth ORDER BY pairs.arch_id) AS truths
FROM pairs
INNER JOIN proxy_labels AS labels ON pairs.proxy_id = labels.proxy_id
WHERE
    pairs.seed = 0
    AND pairs.proxy NOT LIKE 'tuned-%'
    AND NOT labels.released
GROUP BY ALL
ORDER BY ALL
