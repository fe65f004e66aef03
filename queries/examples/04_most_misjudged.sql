-- Which architectures does a proxy misjudge most? Places among all that it scored, 1 the best, for the main target.
-- Run: pipeline query --example most_misjudged --param proxy=regression-n101
WITH placed AS (
    SELECT
        pairs.*,
        rank() OVER (series ORDER BY pairs.score DESC) AS place_by_proxy,
        rank() OVER (series ORDER BY pairs.truth DESC) AS true_place
    FROM pairs
    INNER JOIN targets
        ON
            pairs.benchmark = targets.benchmark
            AND pairs.space = targets.space
            AND pairs.dataset = targets.dataset
            AND pairs.metric = targets.metric
    WHERE targets.main AND pairs.proxy = $proxy
    WINDOW series AS (PARTITION BY pairs.benchmark, pairs.space, pairs.proxy_id, pairs.seed)
)

SELECT
    placed.benchmark,
    placed.space,
    placed.arch_id,
    architectures.spec,
    placed.seed,
    placed.place_by_proxy,
    placed.true_place,
    placed.score_as_stored AS score,
    placed.truth_as_stored AS truth
FROM placed
INNER JOIN architectures
    ON
        placed.benchmark = architectures.benchmark
        AND placed.space = architectures.space
        AND placed.arch_id = architectures.arch_id
ORDER BY abs(placed.place_by_proxy - placed.true_place) DESC, placed.arch_id ASC
LIMIT 20
