-- One row per source of whose name the lake has another.
SELECT source_id
FROM sources
QUALIFY count(*) OVER (PARTITION BY benchmark, name) > 1
ORDER BY source_id
