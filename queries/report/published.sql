-- One row per figure that others published of a space, beside the same proxy here.
SELECT
    replications.benchmark,
    replications.space,
    replications.dataset,
    replications.published_metric,
    replications.proxy,
    replications.published_rho,
    replications.published_tau,
    replications.published_n,
    replications.labels,
    replications.source,
    replications.address,
    replications.checked,
    replications.reruns,
    labels.label,
    replications.proxy_id,
    replications.seed,
    replications.metric,
    replications.n,
    replications.rho,
    replications.low,
    replications.high,
    replications.status,
    replications.remark
FROM replications
LEFT JOIN proxy_labels AS labels ON replications.proxy_id = labels.proxy_id
ORDER BY
    replications.benchmark,
    replications.space,
    replications.dataset,
    replications.published_rho DESC,
    replications.source,
    replications.proxy,
    replications.figure
