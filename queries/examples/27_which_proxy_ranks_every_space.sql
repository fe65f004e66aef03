-- Which proxy ranks well in every space? The mean over the spaces of its rho with their main targets, and the lowest.
-- `low` and `high` take the spaces' intervals as independent. Compare proxies of the same number of spaces; each frame
-- of DARTS is a space, and the three share their cells and true values.
-- Run: pipeline query --example which_proxy_ranks_every_space
WITH of_spaces AS (
    SELECT
        labels.name AS proxy,
        labels.kind,
        correlations.space,
        correlations.rho,
        rho_interval(correlations.rho, correlations.n).high
        - rho_interval(correlations.rho, correlations.n).low AS width
    FROM correlations
    INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
    INNER JOIN targets
        ON
            correlations.benchmark = targets.benchmark
            AND correlations.space = targets.space
            AND correlations.dataset = targets.dataset
            AND correlations.metric = targets.metric
    WHERE targets.main AND correlations.n >= 30 AND correlations.rho IS NOT NULL
    -- The seed and the configuration with the most architectures
    QUALIFY row_number() OVER (
        PARTITION BY correlations.benchmark, correlations.space, labels.name
        ORDER BY correlations.n DESC, correlations.seed, correlations.proxy_id
    ) = 1
)

SELECT
    of_spaces.proxy,
    of_spaces.kind,
    count(*) AS spaces,
    round(avg(of_spaces.rho), 4) AS mean_rho,
    round(avg(of_spaces.rho) - sqrt(sum(of_spaces.width ** 2)) / 2 / count(*), 4) AS low,
    round(avg(of_spaces.rho) + sqrt(sum(of_spaces.width ** 2)) / 2 / count(*), 4) AS high,
    round(min(of_spaces.rho), 4) AS lowest_rho,
    arg_min(of_spaces.space, of_spaces.rho) AS lowest_in
FROM of_spaces
GROUP BY of_spaces.proxy, of_spaces.kind
ORDER BY spaces DESC, mean_rho DESC, of_spaces.proxy
