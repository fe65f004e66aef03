-- One row per point of a training curve: the loss at an iteration. Only curves of sampled scores.
SELECT
    curves.benchmark,
    curves.space,
    curves.arch_id,
    curves.proxy_id,
    curves.seed,
    curves.stage,
    curves.signal,
    curves.mode,
    unnest(curves.iterations) AS iteration,
    unnest(curves.losses)::DOUBLE AS loss
FROM curves
ANTI JOIN searched_alone
    ON
        curves.benchmark = searched_alone.benchmark
        AND curves.space = searched_alone.space
        AND curves.arch_id = searched_alone.arch_id
        AND curves.proxy_id = searched_alone.proxy_id
        AND curves.seed = searched_alone.seed
