-- Which figures that others published does this lake reproduce, and where do they stand?
-- Run: pipeline query --example which_published_figures_hold
SELECT
    benchmark,
    dataset,
    proxy,
    labels,
    published_rho,
    published_n,
    rho,
    round(low, 3) AS low,
    round(high, 3) AS high,
    n,
    status,
    checked,
    address
FROM replications
WHERE status <> 'not run'
ORDER BY benchmark, dataset, published_rho DESC, proxy
