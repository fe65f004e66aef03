-- One row per score whose seed is below 0, or whose seconds are below 0 or not finite.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    seconds
FROM scores
WHERE seed < 0 OR seconds < 0 OR NOT isfinite(seconds)
