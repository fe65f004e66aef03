-- One row per target, proxy, seed and architecture of a fair comparison: the architectures that every compared proxy
-- and seed has tried. Our own proxies that train lead (where none has enough: all of ours, or else all), those with 30
-- scores or more (or half as many as the best covered proxy) and half as many as the best covered of them. Compared are
-- these and every other that holds nine tenths of what they share. Those that failed on the most of it are left out, so
-- that all that are compared failed together on no more than a fifth of what the one with the fewest failures has not
-- failed on: they would leave the others few architectures. A proxy that was made with labels of the space is not
-- compared there, since its labels are among these architectures: `tuned` has its rho on the others. Scores of
-- architectures without a true value count for nothing; one of any target of the family that leads is enough, so that
-- the compared are the same for each of its targets.
-- `score` and `truth` are oriented; `score` is NULL where it failed; `all_ok`: none has failed.
-- Stored: large
-- Held: in memory
WITH known AS MATERIALIZED (
    SELECT DISTINCT
        benchmark,
        space,
        arch_id
    FROM target_values
),

standings AS (
    SELECT
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        CASE labels.kind WHEN 'trained' THEN 1 WHEN 'zero-cost' THEN 2 ELSE 3 END AS standing,
        count(*) AS tried
    FROM every_score AS scores
    INNER JOIN proxy_labels AS labels ON scores.proxy_id = labels.proxy_id
    SEMI JOIN known
        ON
            scores.benchmark = known.benchmark
            AND scores.space = known.space
            AND scores.arch_id = known.arch_id
    ANTI JOIN labelled
        ON
            scores.benchmark = labelled.benchmark
            AND scores.space = labelled.space
            AND scores.proxy_id = labelled.proxy_id
    GROUP BY ALL
),

-- not the numbers of `series`, whose failures and missing values per target cost more than counting scores once
numbered AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS number,
        tried >= 30 OR 2 * tried >= max(tried) OVER (PARTITION BY benchmark, space) AS enough
    FROM standings
),

enough AS (
    SELECT *
    FROM numbered
    WHERE enough
    QUALIFY standing = min(standing) OVER (PARTITION BY benchmark, space)
),

leaders AS MATERIALIZED (
    SELECT *
    FROM enough
    QUALIFY 2 * tried >= max(tried) OVER (PARTITION BY benchmark, space)
),

led AS (
    SELECT
        benchmark,
        space,
        count(*) AS leaders
    FROM leaders
    GROUP BY ALL
),

tries AS MATERIALIZED (
    SELECT
        numbered.number,
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        scores.arch_id,
        CASE
            WHEN scores.status = 'ok' AND isfinite(scores.value) THEN oriented(scores.value, proxies.higher_is_better)
        END AS score
    FROM every_score AS scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    INNER JOIN numbered
        ON
            scores.benchmark = numbered.benchmark
            AND scores.space = numbered.space
            AND scores.proxy_id = numbered.proxy_id
            AND scores.seed IS NOT DISTINCT FROM numbered.seed
    SEMI JOIN known
        ON
            scores.benchmark = known.benchmark
            AND scores.space = known.space
            AND scores.arch_id = known.arch_id
),

base AS MATERIALIZED (
    SELECT
        tries.benchmark,
        tries.space,
        tries.arch_id
    FROM tries
    SEMI JOIN leaders ON tries.number = leaders.number
    INNER JOIN led ON tries.benchmark = led.benchmark AND tries.space = led.space
    GROUP BY ALL
    HAVING count(*) = any_value(led.leaders)
),

held AS (
    SELECT
        tries.number,
        tries.benchmark,
        tries.space,
        count(*) AS held,
        count(*) - count(tries.score) AS failed
    FROM tries
    SEMI JOIN base
        ON
            tries.benchmark = base.benchmark
            AND tries.space = base.space
            AND tries.arch_id = base.arch_id
    GROUP BY ALL
),

candidates AS MATERIALIZED (
    SELECT
        held.number,
        held.benchmark,
        held.space,
        held.failed,
        max(held.held) OVER space AS shared, -- those that lead hold all of it
        row_number() OVER (
            space
            ORDER BY held.failed ASC, numbered.standing ASC, numbered.proxy_id ASC, numbered.seed ASC
        ) AS place
    FROM held
    INNER JOIN numbered ON held.number = numbered.number
    WINDOW space AS (PARTITION BY held.benchmark, held.space)
    QUALIFY held.held >= 0.9 * shared
),

-- of each architecture that a candidate failed on, the first place of one that did
failures AS (
    SELECT
        tries.benchmark,
        tries.space,
        min(candidates.place) AS place
    FROM tries
    INNER JOIN candidates ON tries.number = candidates.number
    SEMI JOIN base
        ON
            tries.benchmark = base.benchmark
            AND tries.space = base.space
            AND tries.arch_id = base.arch_id
    WHERE tries.score IS NULL
    GROUP BY tries.benchmark, tries.space, tries.arch_id
),

-- on how many architectures the candidates up to a place failed together
lost AS (
    SELECT
        benchmark,
        space,
        place,
        sum(count(*)) OVER (PARTITION BY benchmark, space ORDER BY place) AS lost
    FROM failures
    GROUP BY benchmark, space, place
),

-- what even the first failed on, such as networks too large for the memory, is no reason to leave the others out
members AS MATERIALIZED (
    SELECT
        candidates.number,
        candidates.benchmark,
        candidates.space
    FROM candidates
    ASOF LEFT JOIN lost
        ON
            candidates.benchmark = lost.benchmark
            AND candidates.space = lost.space
            AND candidates.place >= lost.place
    WINDOW space AS (PARTITION BY candidates.benchmark, candidates.space)
    QUALIFY
        5 * (coalesce(lost.lost, 0) - min(candidates.failed) OVER space)
        <= candidates.shared - min(candidates.failed) OVER space
),

counted AS (
    SELECT
        benchmark,
        space,
        count(*) AS members
    FROM members
    GROUP BY ALL
),

shared AS (
    SELECT
        tries.benchmark,
        tries.space,
        tries.arch_id,
        bool_and(tries.score IS NOT NULL) AS all_ok
    FROM tries
    SEMI JOIN members ON tries.number = members.number
    INNER JOIN counted ON tries.benchmark = counted.benchmark AND tries.space = counted.space
    GROUP BY ALL
    HAVING count(*) = any_value(counted.members)
)

SELECT
    tries.benchmark,
    tries.space,
    target_values.dataset,
    target_values.metric,
    tries.proxy_id,
    tries.seed,
    tries.arch_id,
    tries.score,
    shared.all_ok,
    target_values.truth
FROM tries
SEMI JOIN members ON tries.number = members.number
INNER JOIN shared
    ON
        tries.benchmark = shared.benchmark
        AND tries.space = shared.space
        AND tries.arch_id = shared.arch_id
INNER JOIN target_values
    ON
        tries.benchmark = target_values.benchmark
        AND tries.space = target_values.space
        AND tries.arch_id = target_values.arch_id
