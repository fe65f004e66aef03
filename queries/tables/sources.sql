-- The rows of `sources` in all parts.
SELECT
    source_id,
    benchmark,
    name,
    file_name,
    sha256,
    bytes,
    licence,
    reader_version,
    rows,
    rejected,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/sources.parquet', hive_partitioning = FALSE)
