-- One row per proxy, seed and space that has scores: how many, how many failed, and how many wait for their
-- architecture to be ingested. `asked` is the largest sample that a run asked for, at most all architectures, and
-- `missing` says how many of it have no score. A sample is the beginning of the order of hashes that `pipeline score`
-- takes; runs of earlier versions, which do not state its seed, drew it with the seed of the scores. `images` are those
-- that one of the `runs` was given: the last component of a path, or a kind of synthetic ones. `label` is the name,
-- with the kind of input images, and then the identity, where the space has scores of another proxy of that name: as in
-- the view `proxy_labels`, which a lake of another version may lack.
WITH known AS (
    SELECT
        benchmark,
        space,
        arch_id,
        NOT starts_with(source_id, 'search:') AS ingested
    FROM architectures
),

-- what others released came with its architectures, and no run asked for it
stored AS MATERIALIZED (
    SELECT
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        scores.arch_id,
        scores.run_id,
        coalesce(known.ingested, FALSE) AS ingested,
        known.arch_id IS NULL AS waits
    FROM scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    LEFT JOIN known
        ON
            scores.benchmark = known.benchmark
            AND scores.space = known.space
            AND scores.arch_id = known.arch_id
    WHERE proxies.kind <> 'released'
),

counted AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        count(*) AS scores,
        count(*) FILTER (WHERE status <> 'ok') AS failed
    FROM scores
    GROUP BY benchmark, space, proxy_id, seed
),

waiting AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        count(*) AS scores
    FROM stored
    WHERE waits
    GROUP BY benchmark, space, proxy_id, seed
),

sizes AS (
    SELECT
        benchmark,
        space,
        count(*) AS architectures
    FROM known
    WHERE ingested
    GROUP BY benchmark, space
),

samples AS (
    SELECT
        run_id,
        arguments ->> '$.images' AS images,
        coalesce(arguments ->> '$.sample_seed', arguments ->> '$.seed', '0') AS sample_seed,
        -- without a number all were asked for
        coalesce(try_cast(arguments ->> '$.sample' AS BIGINT), 9223372036854775807) AS sample
    FROM runs
    WHERE stage = 'score' AND (arguments ->> '$.only') IS NULL
),

contributions AS (
    SELECT DISTINCT
        benchmark,
        space,
        proxy_id,
        seed,
        run_id
    FROM stored
),

asked AS (
    SELECT
        contributions.benchmark,
        contributions.space,
        contributions.proxy_id,
        contributions.seed,
        max_by(samples.sample_seed, (samples.sample, samples.sample_seed)) AS sample_seed,
        min(samples.images) AS images,
        list(contributions.run_id ORDER BY contributions.run_id) AS runs,
        least(max(samples.sample), any_value(sizes.architectures)) AS sample,
        max(samples.sample) >= any_value(sizes.architectures) AS is_all
    FROM contributions
    INNER JOIN samples ON contributions.run_id = samples.run_id
    INNER JOIN sizes ON contributions.benchmark = sizes.benchmark AND contributions.space = sizes.space
    GROUP BY contributions.benchmark, contributions.space, contributions.proxy_id, contributions.seed
),

-- of an order only as much as is asked is sorted, which for a list of the smallest may be a million at most
orders AS (
    SELECT
        benchmark,
        space,
        sample_seed,
        least(max(sample), 999999) AS longest
    FROM asked
    WHERE NOT is_all
    GROUP BY benchmark, space, sample_seed
),

beginnings AS (
    SELECT
        orders.benchmark,
        orders.space,
        orders.sample_seed,
        arg_min(
            known.arch_id, sha256('sample/1:' || orders.sample_seed || '/' || known.arch_id)[:16], orders.longest
        ) AS arch_ids
    FROM orders
    INNER JOIN known ON orders.benchmark = known.benchmark AND orders.space = known.space
    WHERE known.ingested
    GROUP BY orders.benchmark, orders.space, orders.sample_seed
),

places AS (
    SELECT
        benchmark,
        space,
        sample_seed,
        unnest(arch_ids) AS arch_id,
        generate_subscripts(arch_ids, 1) AS place
    FROM beginnings
),

had AS (
    SELECT
        asked.benchmark,
        asked.space,
        asked.proxy_id,
        asked.seed,
        count(*) AS scored
    FROM asked
    INNER JOIN stored
        ON
            asked.benchmark = stored.benchmark
            AND asked.space = stored.space
            AND asked.proxy_id = stored.proxy_id
            AND asked.seed IS NOT DISTINCT FROM stored.seed
    LEFT JOIN places
        ON
            asked.benchmark = places.benchmark
            AND asked.space = places.space
            AND asked.sample_seed = places.sample_seed
            AND stored.arch_id = places.arch_id
    WHERE stored.ingested AND (asked.is_all OR places.place <= asked.sample)
    GROUP BY asked.benchmark, asked.space, asked.proxy_id, asked.seed
),

named AS (
    SELECT
        proxy_id,
        name,
        kind,
        configuration ->> '$.images.kind' AS images
    FROM proxies
)

SELECT
    counted.benchmark,
    counted.space,
    counted.proxy_id,
    proxies.name AS proxy,
    proxies.name
    || CASE
        WHEN min(counted.proxy_id) OVER namesakes < max(counted.proxy_id) OVER namesakes
            THEN coalesce(' (' || proxies.images || ' images)', '')
        ELSE ''
    END
    || CASE
        WHEN min(counted.proxy_id) OVER on_the_same_images < max(counted.proxy_id) OVER on_the_same_images
            THEN ' ' || counted.proxy_id[:6]
        ELSE ''
    END AS label,
    proxies.kind,
    counted.seed,
    counted.scores,
    counted.failed,
    coalesce(waiting.scores, 0) AS waiting,
    sizes.architectures,
    asked.sample AS asked,
    asked.sample_seed::BIGINT AS sample_seed,
    asked.images,
    asked.runs,
    -- a part that is there twice, which `pipeline doctor` tells, holds more than was asked
    greatest(asked.sample - coalesce(had.scored, 0), 0) AS missing
FROM counted
INNER JOIN named AS proxies ON counted.proxy_id = proxies.proxy_id
LEFT JOIN sizes ON counted.benchmark = sizes.benchmark AND counted.space = sizes.space
LEFT JOIN asked
    ON
        counted.benchmark = asked.benchmark
        AND counted.space = asked.space
        AND counted.proxy_id = asked.proxy_id
        AND counted.seed IS NOT DISTINCT FROM asked.seed
LEFT JOIN waiting
    ON
        counted.benchmark = waiting.benchmark
        AND counted.space = waiting.space
        AND counted.proxy_id = waiting.proxy_id
        AND counted.seed IS NOT DISTINCT FROM waiting.seed
LEFT JOIN had
    ON
        counted.benchmark = had.benchmark
        AND counted.space = had.space
        AND counted.proxy_id = had.proxy_id
        AND counted.seed IS NOT DISTINCT FROM had.seed
WINDOW
    namesakes AS (PARTITION BY counted.benchmark, counted.space, proxies.name),
    on_the_same_images AS (PARTITION BY counted.benchmark, counted.space, proxies.name, proxies.images)
ORDER BY counted.benchmark, counted.space, proxies.kind, proxies.name, counted.proxy_id, counted.seed
