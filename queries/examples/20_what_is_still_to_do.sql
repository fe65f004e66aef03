-- What is still to do? For each of our proxies the architectures with truth that it has and has not scored.
-- The hours are those of each proxy by itself: proxies of a bundle share passes, and take less together.
-- Run: pipeline query --example what_is_still_to_do
WITH known AS (
    SELECT
        benchmark,
        space,
        count(DISTINCT arch_id) AS architectures
    FROM target_values
    WHERE main
    GROUP BY benchmark, space
),

done AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        count(*) AS scored,
        count(*) FILTER (WHERE status != 'ok') AS failed,
        avg(seconds) AS mean_seconds
    FROM scores
    WHERE seconds IS NOT NULL
    GROUP BY benchmark, space, proxy_id, seed
)

SELECT
    done.benchmark,
    done.space,
    labels.label AS proxy,
    done.seed,
    known.architectures,
    done.scored,
    done.failed,
    known.architectures - done.scored AS to_do,
    round((known.architectures - done.scored) * done.mean_seconds / 3600, 1) AS hours_of_one_worker
FROM done
INNER JOIN known ON done.benchmark = known.benchmark AND done.space = known.space
INNER JOIN proxy_labels AS labels ON done.proxy_id = labels.proxy_id
ORDER BY done.benchmark, done.space, proxy, done.seed
