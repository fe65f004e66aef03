-- One row per training curve of a sampled score: the losses of one stage, signal and mode at its iterations. Curves of
-- scores that only a search asked for are left out.
SELECT
    curves.benchmark,
    curves.space,
    curves.arch_id,
    curves.proxy_id,
    curves.seed,
    curves.stage,
    curves.signal,
    curves.mode,
    curves.iterations,
    curves.losses
FROM curves
ANTI JOIN searched_alone
    ON
        curves.benchmark = searched_alone.benchmark
        AND curves.space = searched_alone.space
        AND curves.arch_id = searched_alone.arch_id
        AND curves.proxy_id = searched_alone.proxy_id
        AND curves.seed = searched_alone.seed
