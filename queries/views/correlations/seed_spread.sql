-- One row per proxy and target: what a seed changes, as the spread of rho over the seeds that have one (two or more),
-- on the architectures of each seed. `sd_rho` divides by one less than the number of seeds.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    proxy_id,
    proxy,
    count(*) AS seeds,
    min(n) AS least_n,
    avg(rho ORDER BY rho) AS mean_rho,
    stddev_samp(rho ORDER BY rho) AS sd_rho,
    min(rho) AS lowest_rho,
    max(rho) AS highest_rho
FROM correlations
WHERE seed IS NOT NULL AND rho IS NOT NULL
GROUP BY ALL
HAVING count(*) > 1
