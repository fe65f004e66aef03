-- If only the k architectures that a proxy likes best were trained, how good would the best of them be? `truth_lost` is
-- what the truly best of all scored has more, in the unit of the main target. Equal scores are taken the worse first.
-- Run: pipeline query --example best_of_the_k_best --param k=10
WITH placed AS (
    SELECT
        pairs.*,
        targets.higher_is_better,
        row_number() OVER (
            PARTITION BY pairs.benchmark, pairs.space, pairs.proxy_id, pairs.seed
            ORDER BY pairs.score DESC, pairs.truth ASC
        ) AS place
    FROM pairs
    INNER JOIN targets
        ON
            pairs.benchmark = targets.benchmark
            AND pairs.space = targets.space
            AND pairs.dataset = targets.dataset
            AND pairs.metric = targets.metric
    WHERE targets.main
)

SELECT
    benchmark,
    space,
    proxy,
    seed,
    count(*) AS n,
    oriented(max(truth) FILTER (WHERE place <= $k), any_value(higher_is_better)) AS best_of_k,
    oriented(max(truth), any_value(higher_is_better)) AS best_of_all,
    max(truth) - max(truth) FILTER (WHERE place <= $k) AS truth_lost
FROM placed
GROUP BY benchmark, space, proxy, proxy_id, seed
ORDER BY benchmark, space, truth_lost, proxy, seed
