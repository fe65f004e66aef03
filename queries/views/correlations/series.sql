-- One row per proxy, seed and target, numbered: what a rank correlation is taken of. Sorting by one number is several
-- times as fast as by the names that it stands for. `n_ok` and `n_failed` count the scores of the proxy and seed.
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
    counted.n_ok,
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
