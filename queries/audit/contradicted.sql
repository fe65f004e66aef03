-- One row per earlier source of the name of a source that has another final value where this one has one: how many they
-- are, and of how many this one is the ground truth.
WITH own AS (
    SELECT *
    FROM final_truth
    WHERE source_id = $source
),

named AS (
    SELECT
        source_id,
        benchmark,
        name,
        file_name
    FROM sources
    WHERE source_id = $source
),

earlier AS (
    SELECT
        sources.source_id,
        sources.file_name,
        named.file_name AS later
    FROM sources
    INNER JOIN named
        ON
            sources.benchmark = named.benchmark
            AND sources.name = named.name
            AND sources.source_id <> named.source_id
)

SELECT
    earlier.later,
    earlier.file_name,
    count(*) AS differing,
    count(reference_sources.source_id) AS taken
FROM earlier
INNER JOIN final_truth AS held ON earlier.source_id = held.source_id
INNER JOIN own
    ON
        held.benchmark = own.benchmark
        AND held.space = own.space
        AND held.arch_id = own.arch_id
        AND held.dataset = own.dataset
        AND held.metric = own.metric
        AND held.epochs IS NOT DISTINCT FROM own.epochs
        AND held.seed IS NOT DISTINCT FROM own.seed
LEFT JOIN reference_sources
    ON
        own.benchmark = reference_sources.benchmark
        AND own.space = reference_sources.space
        AND own.dataset = reference_sources.dataset
        AND own.metric = reference_sources.metric
        AND own.epochs IS NOT DISTINCT FROM reference_sources.epochs
        AND own.source_id = reference_sources.source_id
WHERE significant(held.value) <> significant(own.value)
GROUP BY earlier.source_id, earlier.later, earlier.file_name
ORDER BY earlier.file_name, earlier.source_id
