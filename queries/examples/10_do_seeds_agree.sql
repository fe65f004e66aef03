-- How far do two seeds of one proxy agree? Spearman's rho between their scores, over the architectures that both have.
-- Run: pipeline query --example do_seeds_agree
SELECT
    one.benchmark,
    one.space,
    labels.label AS proxy,
    one.seed,
    other.seed AS other_seed,
    count(*) AS n,
    round(spearman(list(one.value), list(other.value)), 4) AS spearman
FROM scores AS one
INNER JOIN scores AS other
    ON
        one.benchmark = other.benchmark
        AND one.space = other.space
        AND one.proxy_id = other.proxy_id
        AND one.arch_id = other.arch_id
        AND one.seed < other.seed
INNER JOIN proxy_labels AS labels ON one.proxy_id = labels.proxy_id
WHERE one.status = 'ok' AND other.status = 'ok' AND isfinite(one.value) AND isfinite(other.value)
GROUP BY one.benchmark, one.space, labels.label, one.seed, other.seed
ORDER BY one.benchmark, one.space, proxy, one.seed, other.seed
