-- One row per proxy, seed, mode and signal of a menu: rho with one target of every stage at a tenth, a fifth, a half
-- and the whole of the iterations.
WITH points AS (
    SELECT
        *,
        max(iteration) OVER (PARTITION BY proxy_id, seed, mode) AS last
    FROM rho_by_iteration
    WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric AND signal != 'sum'
)

SELECT
    proxy_id,
    seed,
    mode,
    signal,
    list(stage ORDER BY stage, iteration) AS stages,
    list(iteration ORDER BY stage, iteration) AS iterations,
    list(rho ORDER BY stage, iteration) AS rho,
    max(n) AS n
FROM points
WHERE iteration IN (last // 10, last // 5, last // 2, last)
GROUP BY proxy_id, seed, mode, signal
ORDER BY proxy_id, seed, mode, signal
