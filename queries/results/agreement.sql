-- One row per pair of targets that lead a space: how well the truth of the one ranks that of the other.
SELECT
    agreement.dataset,
    agreement.metric,
    agreement.other_dataset,
    agreement.other_metric,
    agreement.n,
    agreement.rho,
    agreement.low,
    agreement.high
FROM target_agreement AS agreement
INNER JOIN targets
    ON
        agreement.benchmark = targets.benchmark
        AND agreement.space = targets.space
        AND agreement.other_dataset = targets.dataset
        AND agreement.other_metric = targets.metric
WHERE agreement.benchmark = $benchmark AND agreement.space = $space AND targets.leads
ORDER BY ALL
