-- One row per search of a space and target: the true value of the best architecture that it finds in the end, over its
-- seeds.
SELECT
    proxies.name AS proxy,
    results.method,
    results.dataset,
    results.metric,
    results.step,
    results.seeds,
    results.known,
    results.scored,
    results.truth,
    results.deviation,
    results.best_of_space
FROM search_results AS results
INNER JOIN proxies ON results.proxy_id = proxies.proxy_id
WHERE list_contains($search_ids, results.search_id) AND results.benchmark = $benchmark AND results.space = $space
QUALIFY results.step = max(results.step) OVER (PARTITION BY results.search_id)
ORDER BY results.method, proxies.name, results.dataset, results.metric
