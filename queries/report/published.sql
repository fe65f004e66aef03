-- One row per published figure of a space and proxy of that name here, with the same data set and, where it is a
-- target, the same metric (else the data set's first target).
WITH here AS (
    SELECT
        labels.label,
        split_part(labels.name, '@', 1) AS ours,
        correlations.proxy_id,
        correlations.seed,
        correlations.dataset,
        correlations.metric,
        correlations.n,
        correlations.rho,
        targets.priority
    FROM correlations
    INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
    INNER JOIN targets
        ON
            correlations.benchmark = targets.benchmark
            AND correlations.space = targets.space
            AND correlations.dataset = targets.dataset
            AND correlations.metric = targets.metric
    WHERE correlations.benchmark = $benchmark AND correlations.space = $space
)

SELECT
    published.source,
    published.dataset,
    published.metric AS published_metric,
    published.proxy,
    published.rho AS published_rho,
    published.tau AS published_tau,
    published.n AS published_n,
    here.label,
    here.proxy_id,
    here.seed,
    here.metric,
    here.n,
    here.rho
FROM published
LEFT JOIN here ON published.ours = here.ours AND published.dataset = here.dataset
WHERE published.benchmark = $benchmark AND published.space = $space
QUALIFY
    row_number() OVER (
        PARTITION BY published.source, published.dataset, published.proxy, here.proxy_id, here.seed
        ORDER BY coalesce(published.metric = here.metric, FALSE) DESC, here.priority ASC
    ) = 1
ORDER BY published.dataset, published.rho DESC, published.source, published.proxy, here.label, here.seed
