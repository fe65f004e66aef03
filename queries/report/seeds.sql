-- One row per proxy: the spread of rho over seeds, for one target.
SELECT
    labels.label,
    spread.seeds,
    spread.least_n,
    spread.mean_rho,
    spread.sd_rho,
    spread.lowest_rho,
    spread.highest_rho
FROM seed_spread AS spread
INNER JOIN proxy_labels AS labels ON spread.proxy_id = labels.proxy_id
WHERE
    spread.benchmark = $benchmark AND spread.space = $space AND spread.dataset = $dataset AND spread.metric = $metric
ORDER BY labels.label
