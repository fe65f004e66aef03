-- How well does each proxy rank each target, over how many architectures, and what did it fail on?
-- Run: pipeline query --example rho_of_each_proxy
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    labels.label AS proxy,
    correlations.seed,
    correlations.n,
    correlations.n_failed,
    correlations.n_no_truth,
    round(correlations.rho, 4) AS rho
FROM correlations
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
ORDER BY
    correlations.benchmark, correlations.space, correlations.dataset, correlations.metric, rho DESC NULLS LAST, proxy,
    correlations.seed
