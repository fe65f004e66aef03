-- Training curves as far as a report shows them: those of a menu's signals at a tenth, a fifth, a half and the whole of
-- the iterations, as in report/menu.sql, and all others whole.
-- Where: FROM curves WHERE signal <> 'sum'
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

-- the points of a menu's curves that are shown
points AS (
    SELECT
        curves.*,
        [lasts.last // 10, lasts.last // 5, lasts.last // 2, lasts.last] AS shown
    FROM sampled_curves AS curves
    INNER JOIN lasts
        ON
            curves.benchmark = lasts.benchmark
            AND curves.space = lasts.space
            AND curves.proxy_id = lasts.proxy_id
            AND curves.seed IS NOT DISTINCT FROM lasts.seed
            AND curves.mode = lasts.mode
    WHERE curves.signal <> 'sum'
)

SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    [iteration FOR iteration IN iterations IF list_contains(shown, iteration)] AS iterations,
    [loss FOR loss, place IN losses IF list_contains(shown, iterations[place])] AS losses
FROM points
UNION ALL
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    iterations,
    losses
FROM sampled_curves
WHERE signal = 'sum'
