-- One row per pair of sources of one quantity: how far they agree.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    source,
    other_source,
    n,
    pearson,
    spearman
FROM truth_agreement
ORDER BY benchmark, space, dataset, metric, epochs, source, other_source, source_id, other_source_id
