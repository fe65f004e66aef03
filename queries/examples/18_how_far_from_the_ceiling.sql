-- How far from what could be reached? rho beside the noise ceiling: what the truth itself reaches between two of its
-- seeds, or with the same quantity on another split. A perfect score would have about the square root of the former.
-- Run: pipeline query --example how_far_from_the_ceiling
SELECT
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    labels.label AS proxy,
    correlations.seed,
    correlations.n,
    round(correlations.rho, 4) AS rho,
    ceiling.kind AS ceiling_of,
    round(ceiling.rho, 4) AS ceiling,
    round(ceiling.rho - correlations.rho, 4) AS missing
FROM correlations
INNER JOIN noise_ceiling AS ceiling
    ON
        correlations.benchmark = ceiling.benchmark
        AND correlations.space = ceiling.space
        AND correlations.dataset = ceiling.dataset
        AND correlations.metric = ceiling.metric
INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
ORDER BY
    correlations.benchmark, correlations.space, correlations.dataset, correlations.metric, ceiling.kind, missing, proxy,
    correlations.seed
