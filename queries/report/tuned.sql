-- The proxies found with labels of one space, with rho on the architectures that were not labelled.
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
