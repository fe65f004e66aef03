-- One row per search, seed, step and target: the best architecture found up to the step, which is that with the most
-- promising score (of equal ones the first), and its true value. `truth` is NULL where the lake does not have it,
-- `score` before the first that did not fail. `regret` is what `truth` lacks to the best of the space, in the metric's
-- unit.
-- Held: in memory
WITH oriented AS (
    SELECT
        trajectories.search_id,
        trajectories.seed,
        trajectories.step,
        trajectories.arch_id,
        trajectories.value,
        trajectories.scored,
        trajectories.seconds,
        oriented(trajectories.value, proxies.higher_is_better) AS promise
    FROM trajectories
    INNER JOIN searches ON trajectories.search_id = searches.search_id
    INNER JOIN proxies ON searches.proxy_id = proxies.proxy_id
),

improvements AS (
    SELECT
        *,
        promise > coalesce(
            max(promise) OVER (
                PARTITION BY search_id, seed
                ORDER BY step
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            '-inf'::DOUBLE
        ) AS better
    FROM oriented
),

progress AS (
    SELECT
        search_id,
        seed,
        step,
        scored,
        seconds,
        last_value(CASE WHEN better THEN arch_id END IGNORE NULLS) OVER steps AS arch_id,
        last_value(CASE WHEN better THEN value END IGNORE NULLS) OVER steps AS score
    FROM improvements
    WINDOW steps AS (PARTITION BY search_id, seed ORDER BY step)
),

covered AS (
    SELECT * FROM target_values
    WHERE covered
),

tops AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        higher_is_better,
        max(truth) AS top
    FROM covered
    GROUP BY ALL
)

SELECT
    progress.search_id,
    searches.benchmark,
    searches.space,
    searches.method,
    searches.proxy_id,
    progress.seed,
    tops.dataset,
    tops.metric,
    progress.step,
    progress.scored,
    progress.seconds,
    progress.arch_id,
    progress.score,
    covered.value AS truth,
    tops.top - covered.truth AS regret,
    oriented(tops.top, tops.higher_is_better) AS best_of_space
FROM progress
INNER JOIN searches ON progress.search_id = searches.search_id
INNER JOIN tops ON searches.benchmark = tops.benchmark AND searches.space = tops.space
LEFT JOIN covered
    ON
        searches.benchmark = covered.benchmark
        AND searches.space = covered.space
        AND progress.arch_id = covered.arch_id
        AND tops.dataset = covered.dataset
        AND tops.metric = covered.metric
