-- One row per search, target and step that every seed has taken: mean, standard deviation and extremes over the seeds
-- of the true value of the best architecture found, and its mean regret. `known` of the `seeds` have a true value.
-- Stored: small
WITH results AS (
    SELECT
        progress.search_id,
        progress.benchmark,
        progress.space,
        progress.method,
        progress.proxy_id,
        labels.label,
        progress.dataset,
        progress.metric,
        progress.step,
        count(*) AS seeds,
        count(progress.truth) AS known,
        avg(progress.scored) AS scored,
        avg(progress.seconds ORDER BY progress.seconds) AS seconds,
        avg(progress.truth ORDER BY progress.truth) AS truth,
        stddev_samp(progress.truth ORDER BY progress.truth) AS deviation,
        min(progress.truth) AS lowest,
        max(progress.truth) AS highest,
        avg(progress.regret ORDER BY progress.regret) AS regret,
        any_value(progress.best_of_space) AS best_of_space
    FROM search_progress AS progress
    INNER JOIN proxy_labels AS labels ON progress.proxy_id = labels.proxy_id
    GROUP BY ALL
)

SELECT *
FROM results
QUALIFY seeds = max(seeds) OVER (PARTITION BY search_id, dataset, metric)
