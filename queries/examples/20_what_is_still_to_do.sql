-- What is still to do? For each of our proxies the architectures with truth that it has and has not scored.
-- The hours are those of each proxy by itself: proxies of a bundle share passes, and take less together.
-- Run: pipeline query --example what_is_still_to_do
WITH known AS (
    SELECT
        benchmark,
        space,
        arch_id,
        count(*) OVER (PARTITION BY benchmark, space) AS architectures
    FROM target_values
    WHERE main
),

done AS (
    SELECT
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        any_value(known.architectures) AS architectures,
        count(*) AS scored,
        count(*) FILTER (WHERE scores.status != 'ok') AS failed,
        avg(scores.seconds) AS mean_seconds
    FROM scores
    INNER JOIN known
        ON
            scores.benchmark = known.benchmark
            AND scores.space = known.space
            AND scores.arch_id = known.arch_id
    WHERE scores.seconds IS NOT NULL
    GROUP BY scores.benchmark, scores.space, scores.proxy_id, scores.seed
)

SELECT
    done.benchmark,
    done.space,
    labels.label AS proxy,
    done.seed,
    done.architectures,
    done.scored,
    done.failed,
    done.architectures - done.scored AS to_do,
    round((done.architectures - done.scored) * done.mean_seconds / 3600, 1) AS hours_of_one_worker
FROM done
INNER JOIN proxy_labels AS labels ON done.proxy_id = labels.proxy_id
ORDER BY done.benchmark, done.space, proxy, done.seed
