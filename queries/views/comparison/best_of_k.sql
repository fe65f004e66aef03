-- What is found by taking the k architectures with the highest scores, k of 1, 5, 10, 20 and 50, of those on which no
-- compared proxy has failed: `precision_at_k` (the share of them that are among the k truly best), `ndcg` (gains 2^g -
-- 1, g the truth scaled to [0, 1]; logarithmic discount), the best true value among them, and what it lacks to the
-- best of all (`regret`, in the metric's unit). Equal scores are taken the worse first, so that ties flatter nobody.
WITH placed AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        proxy_id,
        seed,
        truth,
        count(*) OVER series AS n,
        max(truth) OVER series AS best,
        coalesce((truth - min(truth) OVER series) / nullif(max(truth) OVER series - min(truth) OVER series, 0), 1)
            AS gain,
        row_number() OVER (series ORDER BY score DESC, truth ASC) AS place,
        row_number() OVER (series ORDER BY truth DESC) AS true_place,
        rank() OVER (series ORDER BY truth DESC) AS true_rank
    FROM comparison_scores
    WHERE all_ok
    WINDOW series AS (PARTITION BY benchmark, space, dataset, metric, proxy_id, seed)
),

sizes AS (
    SELECT unnest([1, 5, 10, 20, 50]) AS k
),

found AS (
    SELECT
        placed.benchmark,
        placed.space,
        placed.dataset,
        placed.metric,
        placed.proxy_id,
        placed.seed,
        sizes.k,
        any_value(placed.n) AS n,
        avg((placed.true_rank <= sizes.k)::INTEGER) FILTER (WHERE placed.place <= sizes.k) AS precision_at_k,
        sum((pow(2, placed.gain) - 1) / log2(placed.place + 1)) FILTER (WHERE placed.place <= sizes.k)
        / sum((pow(2, placed.gain) - 1) / log2(placed.true_place + 1))
        FILTER (WHERE placed.true_place <= sizes.k) AS ndcg,
        max(placed.truth) FILTER (WHERE placed.place <= sizes.k) AS best_found,
        any_value(placed.best) AS best
    FROM placed
    INNER JOIN sizes ON placed.n >= sizes.k
    GROUP BY ALL
)

SELECT
    found.benchmark,
    found.space,
    found.dataset,
    found.metric,
    found.proxy_id,
    proxies.name AS proxy,
    found.seed,
    found.k,
    found.n,
    found.precision_at_k,
    found.ndcg,
    CASE WHEN metrics.higher_is_better THEN found.best_found ELSE -found.best_found END AS best_found,
    found.best - found.best_found AS regret
FROM found
INNER JOIN proxies ON found.proxy_id = proxies.proxy_id
INNER JOIN metrics
    ON
        found.benchmark = metrics.benchmark
        AND found.dataset = metrics.dataset
        AND found.metric = metrics.metric
