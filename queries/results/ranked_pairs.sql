-- One row per target and proxy of one space, released ones too: its scores beside the true values, both oriented so
-- that higher is better, in the order of the architectures' specs.
SELECT
    pairs.dataset,
    pairs.metric,
    pairs.proxy_id,
    labels.label AS proxy,
    list(architectures.spec ORDER BY architectures.spec) AS specs,
    list(pairs.score ORDER BY architectures.spec) AS scores,
    list(pairs.truth ORDER BY architectures.spec) AS truths
FROM pairs
INNER JOIN proxy_labels AS labels ON pairs.proxy_id = labels.proxy_id
INNER JOIN architectures
    ON
        pairs.benchmark = architectures.benchmark
        AND pairs.space = architectures.space
        AND pairs.arch_id = architectures.arch_id
WHERE
    pairs.benchmark = $benchmark
    AND pairs.space = $space
    AND (pairs.seed = 0 OR labels.released)
    AND labels.name NOT LIKE 'tuned-%'
GROUP BY ALL
ORDER BY ALL
