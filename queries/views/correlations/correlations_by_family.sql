-- One row per proxy, seed and target of any family: Spearman's rho, as in `correlations`, which has only the family
-- that leads, with the 95 % interval of the macro `rho_interval`. `n` architectures have both a score and a true value;
-- `n_no_truth` scores have no true value. Of the other families, a proxy whose scores all lack a true value has no row.
-- Stored: small
WITH others AS MATERIALIZED (
    SELECT * FROM numbered_targets
    WHERE NOT leads
),

-- an architecture is a number from here on, its hash: columns of text would take gigabytes
scored AS MATERIALIZED (
    SELECT
        scores.benchmark,
        scores.space,
        scores.proxy_id,
        scores.seed,
        hash(scores.arch_id) AS architecture,
        oriented(scores.value, proxies.higher_is_better) AS score
    FROM judged_scores AS scores
    INNER JOIN proxies ON scores.proxy_id = proxies.proxy_id
    SEMI JOIN others ON scores.benchmark = others.benchmark AND scores.space = others.space
    WHERE scores.status = 'ok' AND isfinite(scores.value)
),

-- Most proxies have scored the same architectures, whose truth need not be ranked each time: a panel is a set of
-- architectures, recognized by the exclusive or of their hashes.
numbered AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        row_number() OVER () AS number,
        count(*) AS n_ok,
        hash(benchmark, space, count(*), bit_xor(architecture)) AS panel
    FROM scored
    GROUP BY benchmark, space, proxy_id, seed
),

series_scores AS MATERIALIZED (
    SELECT
        numbered.number,
        numbered.panel,
        scored.architecture,
        scored.score
    FROM scored
    INNER JOIN numbered
        ON
            scored.benchmark = numbered.benchmark
            AND scored.space = numbered.space
            AND scored.proxy_id = numbered.proxy_id
            AND scored.seed IS NOT DISTINCT FROM numbered.seed
),

named_panels AS MATERIALIZED (
    SELECT
        benchmark,
        space,
        panel,
        min(number) AS number
    FROM numbered
    GROUP BY benchmark, space, panel
),

panels AS (
    SELECT
        series_scores.panel,
        series_scores.architecture
    FROM series_scores
    SEMI JOIN named_panels ON series_scores.number = named_panels.number
),

-- a list is a target's values for a panel
lists AS MATERIALIZED (
    SELECT
        panels.panel,
        others.target,
        hash(panels.panel, others.target) AS list
    FROM others
    INNER JOIN named_panels AS panels ON others.benchmark = panels.benchmark AND others.space = panels.space
),

true_values AS MATERIALIZED (
    SELECT
        hash(panels.panel, truths.target) AS list,
        panels.architecture,
        truths.truth
    FROM numbered_truth AS truths
    INNER JOIN panels ON hash(truths.arch_id) = panels.architecture
    WHERE NOT truths.leads
),

-- targets that the same architectures of a panel have share the ranks of the scores: a cover is such a set of them
covers AS MATERIALIZED (
    SELECT
        lists.list,
        lists.panel,
        lists.target,
        hash(lists.panel, count(*), bit_xor(true_values.architecture)) AS cover
    FROM true_values
    INNER JOIN lists ON true_values.list = lists.list
    GROUP BY lists.list, lists.panel, lists.target
),

named_covers AS (
    SELECT
        cover,
        any_value(panel) AS panel,
        min(list) AS list
    FROM covers
    GROUP BY cover
),

members AS (
    SELECT
        named_covers.panel,
        named_covers.cover,
        true_values.architecture
    FROM named_covers
    INNER JOIN true_values ON named_covers.list = true_values.list
),

score_ranks AS (
    SELECT
        series_scores.number,
        members.cover,
        members.architecture,
        average_rank(series_scores.score, hash(series_scores.number, members.cover)) AS score_rank
    FROM series_scores
    INNER JOIN members
        ON series_scores.panel = members.panel AND series_scores.architecture = members.architecture
),

truth_ranks AS (
    SELECT
        covers.cover,
        covers.target,
        true_values.architecture,
        average_rank(true_values.truth, true_values.list) AS truth_rank
    FROM true_values
    INNER JOIN covers ON true_values.list = covers.list
),

correlated AS (
    SELECT
        score_ranks.number,
        truth_ranks.target,
        count(*) AS n,
        spearman_of_ranks(score_ranks.score_rank, truth_ranks.truth_rank) AS rho
    FROM score_ranks
    INNER JOIN truth_ranks
        ON score_ranks.cover = truth_ranks.cover AND score_ranks.architecture = truth_ranks.architecture
    GROUP BY score_ranks.number, truth_ranks.target
)

SELECT
    targets.family,
    targets.condition,
    correlations.benchmark,
    correlations.space,
    correlations.dataset,
    correlations.metric,
    correlations.epochs,
    correlations.proxy_id,
    correlations.proxy,
    correlations.seed,
    correlations.n,
    correlations.n_no_truth,
    correlations.rho,
    rho_interval(correlations.rho, correlations.n).low AS low,
    rho_interval(correlations.rho, correlations.n).high AS high
FROM correlations
INNER JOIN targets
    ON
        correlations.benchmark = targets.benchmark
        AND correlations.space = targets.space
        AND correlations.dataset = targets.dataset
        AND correlations.metric = targets.metric
UNION ALL
SELECT
    others.family,
    others.condition,
    others.benchmark,
    others.space,
    others.dataset,
    others.metric,
    others.epochs,
    numbered.proxy_id,
    proxies.name AS proxy,
    numbered.seed,
    correlated.n,
    numbered.n_ok - correlated.n AS n_no_truth,
    correlated.rho,
    rho_interval(correlated.rho, correlated.n).low AS low,
    rho_interval(correlated.rho, correlated.n).high AS high
FROM correlated
INNER JOIN others ON correlated.target = others.target
INNER JOIN numbered ON correlated.number = numbered.number
INNER JOIN proxies ON numbered.proxy_id = proxies.proxy_id
