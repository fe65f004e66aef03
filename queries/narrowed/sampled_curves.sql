-- Training curves as far as a report shows them: those of a menu's signals at a tenth, a fifth, a half and the whole of
-- the iterations, as in report/menu.sql, and all others whole.
WITH lasts AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        mode,
        max(list_max([iteration FOR iteration, place IN iterations IF isfinite(losses[place])])) AS last
    FROM sampled_curves
    WHERE signal <> 'sum'
    GROUP BY benchmark, space, proxy_id, seed, mode
),

shown AS (
    SELECT
        *,
        [last // 10, last // 5, last // 2, last] AS iterations
    FROM lasts
)

SELECT *
FROM sampled_curves
WHERE signal = 'sum'
UNION ALL BY NAME
SELECT
    curves.* EXCLUDE (iterations, losses),
    [iteration FOR iteration IN curves.iterations IF list_contains(shown.iterations, iteration)] AS iterations,
    [loss FOR loss, place IN curves.losses IF list_contains(shown.iterations, curves.iterations[place])] AS losses
FROM sampled_curves AS curves
INNER JOIN shown
    ON
        curves.benchmark = shown.benchmark
        AND curves.space = shown.space
        AND curves.proxy_id = shown.proxy_id
        AND curves.seed IS NOT DISTINCT FROM shown.seed
        AND curves.mode = shown.mode
WHERE curves.signal <> 'sum'
