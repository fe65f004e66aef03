-- One row per published figure, beside what data/scores says of the same proxy.
SELECT
    figure,
    benchmark,
    dataset,
    proxy,
    labels,
    published_rho,
    published_n,
    source,
    address,
    checked,
    rerun_of,
    ours,
    n,
    n_failed,
    rho,
    low,
    high,
    status
FROM replications
ORDER BY ALL
