-- One row per source: what it is and what was taken from it.
SELECT
    benchmark,
    source_id,
    name,
    file_name,
    sha256,
    bytes,
    licence,
    rows,
    rejected
FROM sources
ORDER BY benchmark, name, file_name, source_id
