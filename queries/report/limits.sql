-- One row per cost of a space, proxy and seed: what a search finds that follows the proxy under a limit on the cost.
-- `costs`: from which limit on another architecture has the highest score of those within it, and `found`: its value of
-- the main target. Of equal scores the cheapest is taken, and of equal costs the worse, so that ties flatter nobody. Of
-- the `n` architectures that every compared proxy has scored; `limits` are those that a tenth, a quarter and a half of
-- them keep. A row without a proxy says what is best.
WITH compared AS (
    SELECT
        scores.proxy_id,
        scores.seed,
        scores.arch_id,
        scores.score,
        scores.truth,
        oriented(scores.truth, targets.higher_is_better) AS value
    FROM comparison_scores AS scores
    INNER JOIN targets
        ON
            scores.benchmark = targets.benchmark
            AND scores.space = targets.space
            AND scores.dataset = targets.dataset
            AND scores.metric = targets.metric
            AND targets.main
    WHERE scores.benchmark = $benchmark AND scores.space = $space AND scores.all_ok
),

ordered AS (
    SELECT
        proxy_id,
        seed,
        arch_id,
        score,
        truth,
        value
    FROM compared
    WHERE list_contains($proxies::VARCHAR[], proxy_id)
    UNION ALL
    SELECT DISTINCT
        NULL AS proxy_id,
        NULL AS seed,
        arch_id,
        truth AS score,
        truth,
        value
    FROM compared
),

paid AS (
    SELECT
        costs.dataset,
        costs.metric,
        costs.arch_id,
        costs.value AS cost_value
    FROM target_values_by_family AS costs
    SEMI JOIN compared ON costs.arch_id = compared.arch_id
    WHERE
        costs.benchmark = $benchmark AND costs.space = $space
        AND NOT (costs.family = $family OR costs.higher_is_better)
),

placed AS (
    SELECT
        paid.dataset,
        paid.metric,
        ordered.proxy_id,
        ordered.seed,
        ordered.value,
        paid.cost_value,
        ordered.score
        > coalesce(max(ordered.score) OVER (series ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '-inf'::DOUBLE)
            AS highest
    FROM paid
    INNER JOIN ordered ON paid.arch_id = ordered.arch_id
    WINDOW
        series AS (
            PARTITION BY paid.dataset, paid.metric, ordered.proxy_id, ordered.seed
            ORDER BY paid.cost_value ASC, ordered.score DESC, ordered.truth ASC, paid.arch_id ASC
        )
)

SELECT
    dataset,
    metric,
    proxy_id,
    seed,
    count(*) AS n,
    quantile_disc(cost_value, [0.1, 0.25, 0.5]) AS limits,
    list(cost_value ORDER BY cost_value) FILTER (WHERE highest) AS costs,
    list(value ORDER BY cost_value) FILTER (WHERE highest) AS found
FROM placed
GROUP BY dataset, metric, proxy_id, seed
ORDER BY dataset, metric, proxy_id, seed
