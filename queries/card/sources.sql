-- One row per source of ground truth or released scores: its licence, and how many values are from it.
SELECT
    benchmark,
    name,
    file_name AS file,
    licence,
    rows,
    sha256
FROM sources
ORDER BY benchmark, name, file, sha256
