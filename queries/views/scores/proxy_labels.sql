-- One row per proxy: what to call it, which is its name, with the kind of its input images where the configuration
-- states one, and with its identity where two proxies would otherwise be called the same. `released` and `aggregate`
-- say whether it is of this kind.
WITH named AS (
    SELECT
        proxy_id,
        name,
        kind,
        configuration ->> '$.images.kind' AS images
    FROM proxies
),

labelled AS (
    SELECT
        *,
        name || coalesce(' (' || images || ' images)', '') AS label
    FROM named
)

SELECT
    proxy_id,
    name,
    label || CASE WHEN count(*) OVER (PARTITION BY label) > 1 THEN ' ' || proxy_id[:6] ELSE '' END AS label,
    images,
    kind,
    kind = 'released' AS released,
    kind = 'aggregate' AS aggregate
FROM labelled
