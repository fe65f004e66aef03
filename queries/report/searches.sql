-- One row per target and search: what it has found when all of its seeds have ended.
SELECT
    results.benchmark,
    results.space,
    results.dataset,
    results.metric,
    results.search_id,
    results.label,
    results.method,
    searches.proxy_id,
    searches.score_seed,
    results.step,
    results.seeds,
    results.known,
    results.scored,
    results.seconds,
    results.truth,
    results.deviation,
    results.lowest,
    results.highest,
    results.regret,
    results.best_of_space
FROM search_results AS results
INNER JOIN searches ON results.search_id = searches.search_id
QUALIFY results.step = max(results.step) OVER (PARTITION BY results.search_id, results.dataset, results.metric)
ORDER BY
    results.benchmark,
    results.space,
    results.dataset,
    results.metric,
    results.label,
    results.method,
    results.search_id
