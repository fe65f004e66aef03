-- One row per architecture that no other of its space beats in both the main target and one cost, that is a target of
-- another family where lower is better: none that costs at most as much is better. `value` and `cost_value` are as
-- stored. The best architecture under a limit is the last row whose cost is within it.
-- Stored: small
WITH costs AS (
    SELECT
        benchmark,
        space,
        dataset,
        metric,
        unit,
        family,
        condition
    FROM targets
    WHERE NOT leads AND NOT higher_is_better
),

costed AS (
    SELECT
        costs.benchmark,
        costs.space,
        costs.family,
        costs.condition,
        costs.dataset AS cost_dataset,
        costs.metric AS cost_metric,
        costs.unit AS cost_unit,
        best.dataset,
        best.metric,
        best.arch_id,
        best.value,
        best.truth,
        paid.value AS cost_value
    FROM costs
    INNER JOIN target_values_by_family AS paid
        ON
            costs.benchmark = paid.benchmark
            AND costs.space = paid.space
            AND costs.dataset = paid.dataset
            AND costs.metric = paid.metric
            AND NOT paid.leads
    INNER JOIN target_values AS best
        ON
            best.main
            AND paid.benchmark = best.benchmark
            AND paid.space = best.space
            AND paid.arch_id = best.arch_id
),

placed AS (
    SELECT
        *,
        max(truth) OVER (
            PARTITION BY benchmark, space, cost_dataset, cost_metric
            ORDER BY cost_value ASC, truth DESC, arch_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS best_before
    FROM costed
)

SELECT
    benchmark,
    space,
    dataset,
    metric,
    family,
    condition,
    cost_dataset,
    cost_metric,
    cost_unit,
    arch_id,
    value,
    cost_value
FROM placed
WHERE truth > coalesce(best_before, '-inf'::DOUBLE)
