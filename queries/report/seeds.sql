-- One row per target and proxy: the spread of rho over seeds.
SELECT
    spread.benchmark,
    spread.space,
    spread.dataset,
    spread.metric,
    labels.label,
    spread.seeds,
    spread.least_n,
    spread.mean_rho,
    spread.sd_rho,
    spread.lowest_rho,
    spread.highest_rho
FROM seed_spread AS spread
INNER JOIN proxy_labels AS labels ON spread.proxy_id = labels.proxy_id
ORDER BY spread.benchmark, spread.space, spread.dataset, spread.metric, labels.label
