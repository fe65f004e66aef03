-- One row per architecture, metric and source: the final value, which is the mean over the seeds that the source has,
-- and how many values that is (1 where a source states only a mean). A mean has 12 significant digits.
-- Stored: large
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source_id,
    arch_id,
    seed_mean(value) AS value,
    count(*) AS seeds
FROM final_truth
GROUP BY ALL
