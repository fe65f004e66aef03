-- Who beats the size of the network? rho less that of the number of parameters on the same architectures; what is below
-- zero could have been had for nothing. Main target.
-- Run: pipeline query --example who_beats_the_size --param size=params
WITH sizes AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        max(rho) AS rho
    FROM comparison
    WHERE split_part(proxy, '@', 1) = $size
    GROUP BY benchmark, space, dataset, metric
)

SELECT
    comparison.benchmark,
    comparison.space,
    labels.label AS proxy,
    comparison.seed,
    comparison.n,
    round(comparison.rho, 4) AS rho,
    round(sizes.rho, 4) AS rho_of_size,
    round(comparison.rho - sizes.rho, 4) AS gain
FROM comparison
INNER JOIN sizes
    ON
        comparison.benchmark = sizes.benchmark
        AND comparison.space = sizes.space
        AND comparison.dataset = sizes.dataset
        AND comparison.metric = sizes.metric
INNER JOIN proxy_labels AS labels ON comparison.proxy_id = labels.proxy_id
INNER JOIN targets
    ON
        comparison.benchmark = targets.benchmark
        AND comparison.space = targets.space
        AND comparison.dataset = targets.dataset
        AND comparison.metric = targets.metric
WHERE targets.main
ORDER BY comparison.benchmark, comparison.space, gain DESC NULLS LAST, proxy, comparison.seed
