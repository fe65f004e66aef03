-- Which space is hardest? The best, the median and the worst rho of the proxies that were scored in it, main target.
-- Run: pipeline query --example which_space_is_hardest
SELECT
    correlations.benchmark,
    correlations.space,
    count(DISTINCT correlations.proxy_id) AS proxies,
    round(max(correlations.rho), 4) AS best_rho,
    arg_max(correlations.proxy, correlations.rho) AS best_proxy,
    round(median(correlations.rho), 4) AS median_rho,
    round(min(correlations.rho), 4) AS worst_rho
FROM correlations
INNER JOIN targets
    ON
        correlations.benchmark = targets.benchmark
        AND correlations.space = targets.space
        AND correlations.dataset = targets.dataset
        AND correlations.metric = targets.metric
WHERE targets.main AND correlations.n >= 10
GROUP BY correlations.benchmark, correlations.space
ORDER BY best_rho, correlations.benchmark, correlations.space
