-- One row per target and kind of repetition: the noise ceiling, where it rests on as many architectures as an interval.
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
WHERE least_n >= 10
ORDER BY benchmark, space, dataset, metric, kind <> 'seeds', kind
