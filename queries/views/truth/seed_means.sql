-- One row per architecture, metric and source: the final value, which is the mean over the seeds that the source has,
-- and how many values that is (1 where a source states only a mean). A mean has 12 significant digits. Learning curves,
-- failures, NaN and infinities are left out.
-- Stored: large
-- Held: in memory
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source_id,
    arch_id,
    -- means that are equal in exact arithmetic are equal and tie; a value that is no mean of others stays as it is
    CASE
        WHEN min(value) = max(value) THEN min(value)
        ELSE significant(list_avg(list(value ORDER BY value)))
    END AS value,
    count(*) AS seeds
FROM truth
WHERE status = 'ok' AND epoch IS NULL AND isfinite(value)
GROUP BY ALL
