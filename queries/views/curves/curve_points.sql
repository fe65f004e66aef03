-- One row per point of a training curve: the loss at an iteration. Only curves of sampled scores.
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
FROM sampled_curves
