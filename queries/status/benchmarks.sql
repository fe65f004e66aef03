-- One row per benchmark and space: how many architectures the lake knows, those that a search drew among them.
SELECT
    benchmark,
    space,
    count(*) AS architectures
FROM architectures
GROUP BY benchmark, space
ORDER BY benchmark, space
