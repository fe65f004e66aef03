-- One row per architecture, proxy, seed, mode and iteration: the loss that the network as a whole has, which is the sum
-- over stages of the loss, weighted as the proxy's configuration says in `stage_weights`. A network that lacks a stage
-- has none.
WITH weighted AS (
    SELECT
        proxy_id,
        (configuration -> '$.stage_weights')::DOUBLE[] AS weights
    FROM proxies
    WHERE (configuration -> '$.stage_weights') IS NOT NULL
)

SELECT
    points.benchmark,
    points.space,
    points.arch_id,
    points.proxy_id,
    points.seed,
    points.mode,
    points.iteration,
    significant(sum(weighted.weights[points.stage + 1] * points.loss)) AS loss
FROM curve_points AS points
INNER JOIN weighted ON points.proxy_id = weighted.proxy_id
WHERE points.signal = 'sum'
GROUP BY ALL
HAVING count(*) = any_value(len(weighted.weights))
