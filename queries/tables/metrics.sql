-- The rows of `metrics` in all parts; what several parts say is there once, the `family` and `condition` that earlier
-- versions did not write among it.
WITH stored AS (
    SELECT
        NULL::VARCHAR AS family,
        NULL::VARCHAR AS condition
    WHERE FALSE
    UNION ALL BY NAME
    FROM
        read_parquet(
            getvariable('lake') || '/parts/*/*/metrics.parquet',
            hive_partitioning = FALSE,
            union_by_name = TRUE,
            filename = TRUE
        )
),

checked AS (
    SELECT
        -- by name, a file with none of these columns would be rows of NULL
        CASE
            WHEN benchmark IS NULL OR dataset IS NULL OR metric IS NULL OR split IS NULL OR unit IS NULL
                THEN error('the columns are not those of the table in ''' || filename || '''')
            ELSE benchmark
        END AS benchmark,
        dataset,
        metric,
        split,
        unit,
        higher_is_better,
        priority,
        description,
        family,
        condition
    FROM stored
)

SELECT
    benchmark,
    dataset,
    metric,
    split,
    unit,
    higher_is_better,
    priority,
    description,
    max(family) AS family,
    max(condition) AS condition
FROM checked
GROUP BY ALL
