-- One row per target and proxy of our own, seed 0: rho among the truly best tenth of the architectures that it scored,
-- with the interval that follows from n and rho.
SELECT
    top.benchmark,
    top.space,
    top.dataset,
    top.metric,
    top.proxy,
    top.n,
    top.rho,
    rho_interval(top.rho, top.n).low AS low,
    rho_interval(top.rho, top.n).high AS high
FROM correlations_top AS top
INNER JOIN proxy_labels AS labels ON top.proxy_id = labels.proxy_id
WHERE
    top.seed = 0
    AND top.proxy NOT LIKE 'tuned-%'
    AND NOT labels.released
ORDER BY ALL
