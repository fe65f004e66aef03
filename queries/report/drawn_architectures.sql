-- One row per architecture that the page's charts draw: of each space those that our own proxies have scored, or all
-- that are scored where there are none; at most `$most`, the first by identity, which is a hash and so draws them at
-- random.
WITH scored AS (
    SELECT
        scores.benchmark,
        scores.space,
        scores.arch_id,
        bool_or(NOT labels.released) AS is_own
    FROM every_score AS scores
    INNER JOIN proxy_labels AS labels ON scores.proxy_id = labels.proxy_id
    GROUP BY scores.benchmark, scores.space, scores.arch_id
),

candidates AS (
    SELECT *
    FROM scored
    QUALIFY is_own OR NOT bool_or(is_own) OVER (PARTITION BY benchmark, space)
),

drawn AS (
    SELECT *
    FROM candidates
    QUALIFY row_number() OVER (PARTITION BY benchmark, space ORDER BY arch_id) <= $most
)

SELECT
    drawn.benchmark,
    drawn.space,
    drawn.arch_id,
    architectures.spec
FROM drawn
LEFT JOIN architectures
    ON
        drawn.benchmark = architectures.benchmark
        AND drawn.space = architectures.space
        AND drawn.arch_id = architectures.arch_id
ORDER BY drawn.benchmark, drawn.space, drawn.arch_id
