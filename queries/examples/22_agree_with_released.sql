-- Do our scores agree with those that others released under the same name, and with our own of another seed?
-- Run: pipeline query --example agree_with_released
SELECT
    benchmark,
    space,
    proxy,
    seed,
    released,
    n,
    round(pearson, 4) AS pearson,
    round(spearman, 4) AS spearman,
    factor,
    round(own_rho, 4) AS own_rho
FROM released_score_agreement
ORDER BY benchmark, space, spearman, proxy, seed, released
