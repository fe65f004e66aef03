-- After how many steps is a search good enough? The true value of the best architecture found, mean over seeds, and
-- what it lacks to the best of the space, for the main target. `scored`: the architectures whose scores it needed.
-- Run: pipeline query --example what_a_search_finds --param every=2
SELECT
    results.benchmark,
    results.space,
    results.label,
    results.method,
    results.search_id,
    results.step,
    results.seeds,
    results.scored,
    results.seconds,
    results.truth,
    results.deviation,
    results.regret
FROM search_results AS results
INNER JOIN targets
    ON
        results.benchmark = targets.benchmark
        AND results.space = targets.space
        AND results.dataset = targets.dataset
        AND results.metric = targets.metric
WHERE targets.main AND (results.step % $every = 0 OR results.step = 1)
ORDER BY results.benchmark, results.space, results.label, results.method, results.search_id, results.step
