-- One row per training curve whose score the lake does not have.
SELECT
    curves.benchmark,
    curves.space,
    curves.arch_id,
    curves.proxy_id,
    curves.seed,
    curves.stage,
    curves.signal,
    curves.mode
FROM curves
ANTI JOIN scores
    ON
        curves.benchmark = scores.benchmark
        AND curves.space = scores.space
        AND curves.arch_id = scores.arch_id
        AND curves.proxy_id = scores.proxy_id
        AND curves.seed IS NOT DISTINCT FROM scores.seed
