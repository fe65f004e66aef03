-- Does rho hold among the best? A search looks at the upper end alone: rho of the truly best tenth beside that of all.
-- Run: pipeline query --example does_rho_hold_among_the_best
SELECT
    whole.benchmark,
    whole.space,
    whole.dataset,
    whole.metric,
    labels.label AS proxy,
    whole.seed,
    whole.n,
    round(whole.rho, 4) AS rho,
    best.n AS n_best,
    round(best.rho, 4) AS rho_best
FROM correlations AS whole
INNER JOIN correlations_top AS best
    ON
        whole.benchmark = best.benchmark
        AND whole.space = best.space
        AND whole.dataset = best.dataset
        AND whole.metric = best.metric
        AND whole.proxy_id = best.proxy_id
        AND whole.seed IS NOT DISTINCT FROM best.seed
INNER JOIN proxy_labels AS labels ON whole.proxy_id = labels.proxy_id
ORDER BY
    whole.benchmark, whole.space, whole.dataset, whole.metric, best.rho DESC NULLS LAST, proxy, whole.seed
