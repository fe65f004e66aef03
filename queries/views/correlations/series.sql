-- One row per proxy, seed and target, numbered: what a rank correlation is taken of. Sorting by one number is several
-- times as fast as by the names that it stands for. `n_ok` and `n_failed` count the scores of the proxy and seed; those
-- on the proxy's own labels are not in `n_ok`.
-- Held: in memory
WITH counted AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        proxy,
        seed,
        coalesce(sum(scores) FILTER (WHERE status = 'ok'), 0)::BIGINT AS n_ok,
        coalesce(sum(scores) FILTER (WHERE status <> 'ok'), 0)::BIGINT AS n_failed
    FROM coverage
    GROUP BY ALL
),

on_labels AS (
    SELECT
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        count(*) AS n_ok
    FROM every_score AS scores
    SEMI JOIN labelled
        ON
            scores.benchmark = labelled.benchmark
            AND scores.space = labelled.space
            AND scores.proxy_id = labelled.proxy_id
            AND scores.arch_id = labelled.arch_id
    WHERE scores.status = 'ok' AND isfinite(scores.value)
    GROUP BY ALL
)

SELECT
    counted.benchmark,
    counted.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    counted.proxy_id,
    counted.proxy,
    counted.seed,
    counted.n_ok - coalesce(on_labels.n_ok, 0) AS n_ok,
    counted.n_failed,
    row_number() OVER (
        ORDER BY
            counted.benchmark,
            counted.space,
            targets.dataset,
            targets.metric,
            counted.proxy_id,
            counted.proxy,
            counted.seed
    ) AS number
FROM counted
INNER JOIN targets ON counted.benchmark = targets.benchmark AND counted.space = targets.space AND targets.leads
LEFT JOIN on_labels
    ON
        counted.benchmark = on_labels.benchmark
        AND counted.space = on_labels.space
        AND counted.proxy_id = on_labels.proxy_id
        AND counted.seed IS NOT DISTINCT FROM on_labels.seed
