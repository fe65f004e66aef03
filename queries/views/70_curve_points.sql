-- The loss curves, a row an iteration.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    unnest(iterations) AS iteration,
    unnest(losses)::DOUBLE AS loss
FROM curves
