-- One row: the oriented scores of a proxy and of another, and the true values of one target, on the architectures that
-- both have scored, in the order of their identities; and Spearman's rho of either there.
WITH paired AS (
    SELECT
        own.arch_id,
        own.score,
        others.score AS other_score,
        own.truth
    FROM pairs AS own
    INNER JOIN pairs AS others
        ON
            own.benchmark = others.benchmark
            AND own.space = others.space
            AND own.dataset = others.dataset
            AND own.metric = others.metric
            AND own.arch_id = others.arch_id
    WHERE
        own.benchmark = $benchmark AND own.space = $space AND own.dataset = $dataset AND own.metric = $metric
        AND own.proxy_id = $proxy_id AND own.seed IS NOT DISTINCT FROM $seed
        AND others.proxy_id = $other_id AND others.seed IS NOT DISTINCT FROM $other_seed
)

SELECT
    list(score ORDER BY arch_id) AS score,
    list(other_score ORDER BY arch_id) AS other_score,
    list(truth ORDER BY arch_id) AS truth,
    count(*) AS n,
    spearman(list(score), list(truth)) AS rho,
    spearman(list(other_score), list(truth)) AS other_rho
FROM paired
