-- One row per published figure, beside what data/scores says of the same proxy; `n_failed` as in failures.sql.
SELECT
    replications.figure,
    replications.benchmark,
    replications.dataset,
    replications.proxy,
    replications.labels,
    replications.published_rho,
    replications.published_n,
    replications.source,
    replications.address,
    replications.checked,
    replications.rerun_of,
    replications.ours,
    replications.n,
    coalesce(failures.n_failed, 0) AS n_failed,
    replications.rho,
    replications.low,
    replications.high,
    replications.status
FROM replications
LEFT JOIN failures
    ON
        replications.benchmark = failures.benchmark
        AND replications.space = failures.space
        AND replications.dataset = failures.dataset
        AND replications.metric = failures.metric
        AND replications.proxy_id = failures.proxy_id
        AND replications.seed IS NOT DISTINCT FROM failures.seed
ORDER BY ALL
