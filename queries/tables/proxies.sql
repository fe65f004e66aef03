-- The rows of `proxies` in all parts; what several parts say is there once, the `kind` that earlier versions did not
-- write among it.
WITH stored AS (
    SELECT NULL::VARCHAR AS kind
    WHERE FALSE
    UNION ALL BY NAME
    FROM
        read_parquet(
            getvariable('lake') || '/parts/*/*/proxies.parquet',
            hive_partitioning = FALSE,
            union_by_name = TRUE,
            filename = TRUE
        )
)

SELECT DISTINCT
    -- by name, a file with none of these columns would be rows of NULL
    CASE
        WHEN
            proxy_id IS NULL
            OR name IS NULL
            OR configuration IS NULL
            OR version IS NULL
            OR higher_is_better IS NULL
            THEN error('the columns are not those of the table in ''' || filename || '''')
        ELSE proxy_id
    END AS proxy_id,
    name,
    coalesce(
        kind,
        CASE
            WHEN contains(name, '@') THEN 'released'
            WHEN (configuration -> '$.terms') IS NOT NULL THEN 'aggregate'
            WHEN (configuration -> '$.iterations') IS NOT NULL THEN 'trained'
            ELSE 'zero-cost'
        END
    ) AS kind,
    configuration,
    version,
    higher_is_better
FROM stored
