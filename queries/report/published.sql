-- What others report.
SELECT
    source,
    benchmark,
    space,
    dataset,
    proxy,
    rho,
    tau,
    n
FROM published
ORDER BY benchmark, space, dataset, source, proxy
