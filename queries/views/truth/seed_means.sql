-- One row per architecture, metric and source: the final value, which is the mean over the seeds that the source has,
-- and how many values that is (1 where a source states only a mean). Learning curves, failures, NaN and infinities are
-- left out.
-- Stored: large
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source_id,
    arch_id,
    -- in the order of the values, so that equal seeds give equal means and stay tied
    list_avg(list(value ORDER BY value)) AS value,
    count(*) AS seeds
FROM truth
WHERE status = 'ok' AND epoch IS NULL AND isfinite(value)
GROUP BY ALL
