-- One row per space, proxy, seed, mode and iteration: the tenth, the median and the ninth decile of the
-- stage-weighted losses that are finite.
SELECT
    benchmark,
    space,
    proxy_id,
    seed,
    mode,
    iteration,
    quantile_cont(loss, [0.1, 0.5, 0.9]) AS losses
FROM weighted_curves
WHERE isfinite(loss)
GROUP BY benchmark, space, proxy_id, seed, mode, iteration
ORDER BY benchmark, space, proxy_id, seed, mode, iteration
