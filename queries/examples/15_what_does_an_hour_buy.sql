-- What does an hour of one worker buy? Proxies that nothing cheaper beats, with the architectures that an hour scores.
-- Run: pipeline query --example what_does_an_hour_buy
WITH priced AS (
    SELECT
        comparison.benchmark,
        comparison.space,
        labels.label AS proxy,
        comparison.seed,
        comparison.rho,
        cost.mean_seconds,
        cost.device
    FROM comparison
    INNER JOIN cost
        ON
            comparison.benchmark = cost.benchmark
            AND comparison.space = cost.space
            AND comparison.proxy_id = cost.proxy_id
            AND comparison.seed IS NOT DISTINCT FROM cost.seed
    INNER JOIN proxy_labels AS labels ON comparison.proxy_id = labels.proxy_id
    INNER JOIN targets
        ON
            comparison.benchmark = targets.benchmark
            AND comparison.space = targets.space
            AND comparison.dataset = targets.dataset
            AND comparison.metric = targets.metric
    WHERE targets.main
),

beaten AS (
    SELECT
        *,
        max(rho) OVER (
            PARTITION BY benchmark, space, device
            ORDER BY mean_seconds, rho DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS cheaper_rho
    FROM priced
)

SELECT
    benchmark,
    space,
    device,
    proxy,
    seed,
    round(rho, 4) AS rho,
    round(mean_seconds, 3) AS seconds,
    floor(3600 / nullif(mean_seconds, 0))::BIGINT AS in_an_hour
FROM beaten
WHERE coalesce(rho > cheaper_rho, TRUE)
ORDER BY benchmark, space, device, mean_seconds, proxy, seed
