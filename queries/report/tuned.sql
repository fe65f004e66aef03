-- One row per proxy found with labels of a space and seed: rho on the architectures that were not labelled.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    name,
    method,
    labels,
    sample_seed,
    trainings,
    fitness,
    seed,
    n,
    rho
FROM tuned
ORDER BY benchmark, space, dataset, metric, rho DESC NULLS LAST, name, seed
