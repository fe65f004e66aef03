-- One row per final true value that can be ranked: a row of `truth` without learning curves, failures, NaN and
-- infinities.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source_id,
    arch_id,
    seed,
    value
FROM truth
WHERE status = 'ok' AND epoch IS NULL AND isfinite(value)
