-- The sources of ground truth: one row per file.
SELECT
    benchmark,
    name,
    file_name,
    licence,
    bytes,
    sha256,
    rows,
    rejected
FROM sources
ORDER BY ALL
