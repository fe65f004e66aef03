-- One row per target, of each space the one to lead with first.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    unit,
    higher_is_better,
    source,
    architectures,
    covered,
    main,
    leads,
    family,
    condition
FROM targets
ORDER BY benchmark, space, main DESC, priority, dataset, metric
