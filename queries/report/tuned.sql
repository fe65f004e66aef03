-- One row per proxy found with labels of one space and seed: rho on the architectures that were not labelled.
SELECT
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
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric
ORDER BY rho DESC NULLS LAST, name, seed
