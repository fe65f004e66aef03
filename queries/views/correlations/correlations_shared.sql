-- One row per proxy, seed and target: Spearman's rho on the same architectures for all, those that every proxy and seed
-- of our own has scored, so that released scores of a whole space stand beside ours of a sample of it. n is smaller
-- where a release or an aggregate lacks some of them. A proxy with fewer than 30 scores of architectures with a true
-- value, and fewer than half as many as another of ours, does not reduce what the others share, nor does one that was
-- made with labels, which lacks these. Without a score of our own there is no row.
-- Stored: small
WITH numbered AS MATERIALIZED (
    SELECT
        series.*,
        labels.released
        OR labels.aggregate
        OR series.proxy_id IN (SELECT labelled.proxy_id FROM labelled) AS follows,
        dense_rank() OVER (ORDER BY series.benchmark, series.space, series.dataset, series.metric) AS target
    FROM series
    INNER JOIN proxy_labels AS labels ON series.proxy_id = labels.proxy_id
),

scored AS MATERIALIZED (
    SELECT
        numbered.number,
        numbered.target,
        numbered.follows,
        series_pairs.arch_id,
        series_pairs.score,
        series_pairs.truth
    FROM series_pairs
    INNER JOIN numbered ON series_pairs.number = numbered.number
),

sizes AS (
    SELECT
        number,
        target,
        count(*) AS scores
    FROM scored
    WHERE NOT follows
    GROUP BY ALL
),

leaders AS (
    SELECT
        number,
        target
    FROM sizes
    QUALIFY scores >= 30 OR 2 * scores >= max(scores) OVER (PARTITION BY target)
),

counted AS (
    SELECT
        target,
        count(*) AS ours
    FROM leaders
    GROUP BY ALL
),

shared AS (
    SELECT
        scored.target,
        scored.arch_id
    FROM scored
    SEMI JOIN leaders ON scored.number = leaders.number
    INNER JOIN counted ON scored.target = counted.target
    GROUP BY ALL
    HAVING count(*) = any_value(counted.ours)
),

ranked AS (
    SELECT
        scored.number,
        average_rank(scored.score, scored.number) AS score_rank,
        average_rank(scored.truth, scored.number) AS truth_rank
    FROM scored
    SEMI JOIN shared ON scored.target = shared.target AND scored.arch_id = shared.arch_id
),

correlated AS (
    SELECT
        number,
        count(*) AS n,
        spearman_of_ranks(score_rank, truth_rank) AS rho
    FROM ranked
    GROUP BY ALL
)

SELECT
    numbered.benchmark,
    numbered.space,
    numbered.dataset,
    numbered.metric,
    numbered.epochs,
    numbered.proxy_id,
    numbered.proxy,
    numbered.seed,
    correlated.n,
    correlated.rho
FROM correlated
INNER JOIN numbered ON correlated.number = numbered.number
