-- Do two sources of the same accuracy agree? Pearson, Spearman and the largest difference, pair by pair.
-- Run: pipeline query --example compare_sources
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source,
    other_source,
    n,
    round(pearson, 6) AS pearson,
    round(spearman, 6) AS spearman,
    largest_difference
FROM truth_agreement
ORDER BY benchmark, space, dataset, metric, epochs, source, other_source
