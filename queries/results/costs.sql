-- One row per proxy and seed of a space: the median seconds of a score, on a processor where it was scored there, else
-- on `device`. The other queries of this folder read it as a table.
SELECT
    benchmark,
    space,
    proxy_id,
    seed,
    device,
    median_seconds
FROM cost
QUALIFY
    row_number() OVER (PARTITION BY benchmark, space, proxy_id, seed ORDER BY device <> 'cpu', n DESC, device) = 1
