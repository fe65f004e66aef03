-- One row per source of ground truth, which is a file: what it is and what was taken from it.
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
