-- Which architectures are slow to score? Seconds beside the mean of the proxy: what a plan of a night must allow for.
-- Run: pipeline query --example which_are_slow_to_score --param proxy=regression-n101
SELECT
    scores.benchmark,
    scores.space,
    scores.arch_id,
    architectures.spec,
    scores.device,
    scores.status,
    round(scores.seconds, 2) AS seconds,
    round(cost.mean_seconds, 2) AS mean_seconds,
    round(scores.seconds / nullif(cost.mean_seconds, 0), 2) AS times_the_mean
FROM scores
INNER JOIN cost
    ON
        scores.benchmark = cost.benchmark
        AND scores.space = cost.space
        AND scores.proxy_id = cost.proxy_id
        AND scores.seed IS NOT DISTINCT FROM cost.seed
        AND scores.device = cost.device
INNER JOIN architectures
    ON
        scores.benchmark = architectures.benchmark
        AND scores.space = architectures.space
        AND scores.arch_id = architectures.arch_id
WHERE cost.proxy = $proxy
ORDER BY times_the_mean DESC NULLS LAST, scores.arch_id ASC
LIMIT 20
