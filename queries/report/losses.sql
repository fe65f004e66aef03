-- One row per proxy, seed, mode and iteration of a space: the tenth, the median and the ninth decile of the
-- stage-weighted losses that are finite.
SELECT
    proxy_id,
    seed,
    mode,
    iteration,
    quantile_cont(loss, [0.1, 0.5, 0.9]) AS losses
FROM weighted_curves
WHERE benchmark = $benchmark AND space = $space AND isfinite(loss)
GROUP BY proxy_id, seed, mode, iteration
ORDER BY proxy_id, seed, mode, iteration
