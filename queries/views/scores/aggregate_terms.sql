-- One row per space, aggregate and term: the configuration of a proxy that the term takes there. Where the term pins
-- none, it is the one with the most scores in the space; among equals the newest version, then the first kind of
-- images, so that terms which were scored together are taken together. A term of curves has a `stage`: its number is
-- the mean loss of the iterations from `first_iteration` to `last_iteration` of the trainings that reached the last of
-- them, whatever became of their score. `terms`: how many the aggregate has. `seeds`: how many seeds the term is
-- averaged over. `failed`: "last" where a failure is ranked below all others.
WITH defined AS (
    SELECT
        proxy_id AS aggregate_id,
        name AS aggregate,
        unnest(
            from_json(
                configuration -> '$.terms',
                '[{"proxy": "VARCHAR", "proxy_id": "VARCHAR", "stage": "BIGINT", "signal": "VARCHAR", "mode": "VARCHAR",
                "iterations": ["BIGINT"], "transform": "VARCHAR", "weight": "DOUBLE", "seeds": "BIGINT",
                "failed": "VARCHAR"}]'
            )
        ) AS term,
        generate_subscripts(from_json(configuration -> '$.terms', '["JSON"]'), 1) AS number,
        json_array_length(configuration, '$.terms') AS terms
    FROM proxies
    WHERE kind = 'aggregate' AND json_array_length(configuration, '$.terms') <= 1000 -- more would take all memory
),

counted AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        count(*) AS scores
    FROM sampled_scores
    WHERE EXISTS (FROM defined)
    GROUP BY ALL
)

SELECT
    counted.benchmark,
    counted.space,
    defined.aggregate_id,
    defined.aggregate,
    defined.terms,
    defined.number AS term,
    proxies.name AS proxy,
    proxies.proxy_id,
    proxies.higher_is_better,
    defined.term.transform,
    defined.term.weight,
    coalesce(defined.term.seeds, 1) AS seeds,
    defined.term.failed,
    defined.term.stage,
    defined.term.signal,
    defined.term.mode,
    defined.term.iterations[1] AS first_iteration,
    defined.term.iterations[2] AS last_iteration,
    -- of the whole training; NULL where the proxy trains nothing
    try_cast(proxies.configuration ->> '$.iterations' AS BIGINT) AS iterations
FROM defined
INNER JOIN proxies
    ON
        defined.term.proxy = proxies.name
        AND coalesce(defined.term.proxy_id, proxies.proxy_id) = proxies.proxy_id
INNER JOIN counted ON proxies.proxy_id = counted.proxy_id
QUALIFY
    row_number() OVER (
        PARTITION BY counted.benchmark, counted.space, defined.aggregate_id, defined.number
        ORDER BY
            counted.scores DESC,
            proxies.version DESC,
            proxies.configuration ->> '$.images.kind' ASC,
            proxies.proxy_id ASC
    ) = 1
