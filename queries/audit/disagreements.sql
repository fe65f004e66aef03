-- One row per column of true values and kind of sibling that disagree.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    source_id,
    source,
    kind,
    n,
    rho,
    usual
FROM sibling_agreement
WHERE disagrees
ORDER BY benchmark, space, dataset, metric, epochs, seed, source, kind
