-- The rows of `architectures` in all parts; what several sources say of one architecture is merged.
SELECT
    benchmark,
    space,
    arch_id,
    any_value(spec) AS spec,
    min(native_id) AS native_id,
    min(source_id) AS source_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/architectures.parquet', hive_partitioning = FALSE)
GROUP BY benchmark, space, arch_id
