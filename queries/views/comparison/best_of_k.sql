-- One row per proxy, seed, target and k of 1, 5, 10, 20 and 50: what is found by taking the k architectures with the
-- highest scores, of those on which no compared proxy has failed: `precision_at_k` (the share of them that are among
-- the k truly best or tie with the last of these), `ndcg` (gains 2^g - 1, g the truth scaled to [0, 1]; logarithmic
-- discount; 1 where all true values are equal), the best true value among them, and what it lacks to the best of all
-- (`regret`, in the metric's unit). Equal scores are taken the worse first, so that ties flatter nobody.
-- Stored: small
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

taken AS (
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
        sum((pow(2, placed.gain) - 1) / log2(placed.place + 1) ORDER BY placed.place)
        FILTER (WHERE placed.place <= sizes.k)
        / sum((pow(2, placed.gain) - 1) / log2(placed.true_place + 1) ORDER BY placed.true_place)
        FILTER (WHERE placed.true_place <= sizes.k) AS ndcg,
        max(placed.truth) FILTER (WHERE placed.place <= sizes.k) AS best_found,
        any_value(placed.best) AS best
    FROM placed
    INNER JOIN sizes ON placed.n >= sizes.k
    GROUP BY ALL
)

SELECT
    taken.benchmark,
    taken.space,
    taken.dataset,
    taken.metric,
    taken.proxy_id,
    proxies.name AS proxy,
    taken.seed,
    taken.k,
    taken.n,
    taken.precision_at_k,
    taken.ndcg,
    oriented(taken.best_found, metrics.higher_is_better) AS best_found,
    taken.best - taken.best_found AS regret
FROM taken
INNER JOIN proxies ON taken.proxy_id = proxies.proxy_id
INNER JOIN metrics
    ON
        taken.benchmark = metrics.benchmark
        AND taken.dataset = metrics.dataset
        AND taken.metric = metrics.metric
