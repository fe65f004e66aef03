-- One row per source: its file, and what was taken from it.
SELECT
    benchmark,
    source_id,
    name,
    file_name AS file,
    sha256,
    bytes,
    licence,
    rows,
    rejected,
    run_id
FROM sources
ORDER BY benchmark, name, file, source_id
