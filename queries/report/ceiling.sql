-- One row per target and kind of repetition: the noise ceiling.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    kind,
    pairs,
    least_n,
    rho
FROM noise_ceiling
ORDER BY benchmark, space, dataset, metric, kind <> 'seeds', kind
