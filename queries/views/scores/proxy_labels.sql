-- What to call a proxy: its name, with the kind of its input images where the configuration states one, and with its
-- identity where two proxies would else be called the same. `released`: others computed and released the scores.
-- `aggregate`: made of the scores of others.
WITH named AS (
    SELECT
        proxy_id,
        name,
        name LIKE '%@%' AS released,
        (configuration -> '$.terms') IS NOT NULL AS aggregate,
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
    released,
    aggregate
FROM labelled
