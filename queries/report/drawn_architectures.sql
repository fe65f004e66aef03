-- One row per architecture that the page's charts draw: those that our own proxies have scored, or all that are scored
-- where there are none; at most `$most`, the first by identity, which is a hash and so draws them at random.
WITH scored AS (
    SELECT
        scores.arch_id,
        bool_or(NOT labels.released) AS is_own
    FROM every_score AS scores
    INNER JOIN proxy_labels AS labels ON scores.proxy_id = labels.proxy_id
    WHERE scores.benchmark = $benchmark AND scores.space = $space
    GROUP BY scores.arch_id
),

drawn AS (
    SELECT arch_id
    FROM scored
    QUALIFY is_own OR NOT bool_or(is_own) OVER ()
    ORDER BY arch_id
    LIMIT $most
)

SELECT
    drawn.arch_id,
    any_value(architectures.spec) AS spec
FROM drawn
LEFT JOIN architectures
    ON
        drawn.arch_id = architectures.arch_id
        AND architectures.benchmark = $benchmark
        AND architectures.space = $space
GROUP BY drawn.arch_id
ORDER BY drawn.arch_id
