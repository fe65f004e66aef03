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
        max(
            CASE
                WHEN isfinite(losses[-1]) AND iterations[-1] = list_max(iterations) THEN iterations[-1]
                ELSE list_max([iteration FOR iteration, place IN iterations IF isfinite(losses[place])])
            END
        ) AS last
    FROM sampled_curves
    WHERE signal <> 'sum'
    GROUP BY benchmark, space, proxy_id, seed, mode
),

-- every curve, with the iterations that are shown where they are not all
points AS (
    SELECT
        curves.*,
        CASE
            WHEN curves.signal <> 'sum'
                THEN list_distinct([lasts.last // 10, lasts.last // 5, lasts.last // 2, lasts.last])
        END AS shown
    FROM sampled_curves AS curves
    LEFT JOIN lasts
        ON
            curves.benchmark = lasts.benchmark
            AND curves.space = lasts.space
            AND curves.proxy_id = lasts.proxy_id
            AND curves.seed IS NOT DISTINCT FROM lasts.seed
            AND curves.mode = lasts.mode
),

placed AS (
    SELECT
        *,
        [
            list_position(iterations, iteration)
            FOR iteration IN shown
            IF list_contains(iterations, iteration)
        ] AS places
    FROM points
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
    CASE WHEN shown IS NULL THEN iterations ELSE list_select(iterations, places) END AS iterations,
    CASE WHEN shown IS NULL THEN losses ELSE list_select(losses, places) END AS losses
FROM placed
