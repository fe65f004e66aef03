-- Released scores cover a whole space, ours a sample: how do they compare on the architectures that we scored?
-- Run: pipeline query --example rho_on_the_same_architectures
SELECT
    shared.benchmark,
    shared.space,
    shared.dataset,
    shared.metric,
    labels.label AS proxy,
    shared.seed,
    shared.n,
    round(shared.rho, 4) AS rho
FROM correlations_shared AS shared
INNER JOIN proxy_labels AS labels ON shared.proxy_id = labels.proxy_id
ORDER BY shared.benchmark, shared.space, shared.dataset, shared.metric, rho DESC NULLS LAST, proxy, shared.seed
