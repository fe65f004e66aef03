-- One row per kind of repetition: the noise ceiling of one target.
SELECT
    kind,
    pairs,
    least_n,
    rho
FROM noise_ceiling
WHERE benchmark = $benchmark AND space = $space AND dataset = $dataset AND metric = $metric
ORDER BY kind <> 'seeds', kind
