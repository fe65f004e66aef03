-- Which proxies say the same? Spearman's rho between the scores of two, over the architectures that all compared ones
-- have, main target: a pair near 1 is one opinion, a pair near 0 is worth adding up.
-- Run: pipeline query --example which_proxies_say_the_same
WITH ranked AS (
    SELECT
        compared.benchmark,
        compared.space,
        compared.seed,
        compared.arch_id,
        labels.label,
        average_rank(
            compared.score, (compared.benchmark, compared.space, compared.proxy_id, compared.seed)
        ) AS place
    FROM comparison_scores AS compared
    INNER JOIN proxy_labels AS labels ON compared.proxy_id = labels.proxy_id
    INNER JOIN targets
        ON
            compared.benchmark = targets.benchmark
            AND compared.space = targets.space
            AND compared.dataset = targets.dataset
            AND compared.metric = targets.metric
    WHERE targets.main AND compared.score IS NOT NULL
)

SELECT
    one.benchmark,
    one.space,
    one.label AS proxy,
    other.label AS other_proxy,
    count(*) AS n,
    round(spearman_of_ranks(one.place, other.place), 4) AS spearman
FROM ranked AS one
INNER JOIN ranked AS other
    ON
        one.benchmark = other.benchmark
        AND one.space = other.space
        AND one.arch_id = other.arch_id
        AND one.label < other.label
WHERE one.seed IS NOT DISTINCT FROM other.seed OR one.seed IS NULL OR other.seed IS NULL
GROUP BY one.benchmark, one.space, one.label, one.seed, other.label, other.seed
ORDER BY one.benchmark, one.space, spearman DESC NULLS LAST, proxy, other_proxy
