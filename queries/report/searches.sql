-- One row per search of a space: what it has found by one target when all of its seeds have ended.
SELECT
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
WHERE
    results.benchmark = $benchmark AND results.space = $space
    AND results.dataset = $dataset AND results.metric = $metric
QUALIFY results.step = max(results.step) OVER (PARTITION BY results.search_id)
ORDER BY results.label, results.method, results.search_id
