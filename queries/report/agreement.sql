-- How far the sources of one quantity agree.
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
ORDER BY benchmark, space, dataset, metric, epochs, source, other_source
