-- One row per target of a space that does not lead it, and proxy of our own or truth of the main target: rho and its
-- interval.
SELECT
    others.family,
    others.condition,
    others.dataset,
    others.metric,
    ranked.proxy,
    ranked.kind,
    ranked.n,
    ranked.rho,
    ranked.low,
    ranked.high
FROM targets AS others
INNER JOIN (
    SELECT
        correlations.dataset,
        correlations.metric,
        labels.label AS proxy,
        labels.kind,
        correlations.n,
        correlations.rho,
        correlations.low,
        correlations.high
    FROM correlations_by_family AS correlations
    INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id
    WHERE
        correlations.benchmark = $benchmark
        AND correlations.space = $space
        AND correlations.seed = 0
        AND NOT labels.released
        AND labels.name NOT LIKE 'tuned-%'
        AND correlations.rho IS NOT NULL
    UNION ALL
    SELECT
        agreement.other_dataset AS dataset,
        agreement.other_metric AS metric,
        agreement.metric AS proxy,
        'truth' AS kind,
        agreement.n,
        agreement.rho,
        agreement.low,
        agreement.high
    FROM target_agreement AS agreement
    INNER JOIN targets
        ON
            agreement.benchmark = targets.benchmark
            AND agreement.space = targets.space
            AND agreement.dataset = targets.dataset
            AND agreement.metric = targets.metric
            AND targets.main
    WHERE agreement.benchmark = $benchmark AND agreement.space = $space
) AS ranked
    ON others.dataset = ranked.dataset AND others.metric = ranked.metric
WHERE others.benchmark = $benchmark AND others.space = $space AND NOT others.leads AND others.covered
ORDER BY ranked.proxy, others.family, others.priority
