-- One row per architecture, proxy, seed, mode and iteration: the loss that the network as a whole has, which is the sum
-- over stages of the loss, weighted as the proxy's configuration says in `stage_weights`. A network that lacks a stage
-- has none.
-- Held: in memory
WITH weights_of_stages AS (
    SELECT
        proxy_id,
        try_cast(configuration -> '$.stage_weights' AS DOUBLE[]) AS weights
    FROM proxies
    WHERE (configuration -> '$.stage_weights') IS NOT NULL
),

weighted AS (
    SELECT
        curves.*,
        hash(curves.benchmark, curves.space, curves.arch_id, curves.proxy_id, curves.seed, curves.mode) AS series,
        weights_of_stages.weights[curves.stage + 1] AS weight,
        len(weights_of_stages.weights) AS stages
    FROM sampled_curves AS curves
    INNER JOIN weights_of_stages ON curves.proxy_id = weights_of_stages.proxy_id
    WHERE curves.signal = 'sum'
),

points AS (
    SELECT
        series,
        weight,
        stages,
        unnest(iterations) AS iteration,
        unnest(losses)::DOUBLE AS loss
    FROM weighted
),

-- by a number for the names: several times as fast
summed AS (
    SELECT
        series,
        iteration,
        significant(list_sum(list_sort(list(weight * loss)))) AS loss
    FROM points
    GROUP BY series, iteration
    HAVING count(*) = any_value(stages)
),

named AS (
    SELECT DISTINCT
        series,
        benchmark,
        space,
        arch_id,
        proxy_id,
        seed,
        mode
    FROM weighted
)

SELECT
    named.benchmark,
    named.space,
    named.arch_id,
    named.proxy_id,
    named.seed,
    named.mode,
    summed.iteration,
    summed.loss
FROM summed
INNER JOIN named ON summed.series = named.series
