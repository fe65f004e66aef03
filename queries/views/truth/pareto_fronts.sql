-- One row per architecture that no other of its space beats in both the main target and one cost, that is a target of
-- another family where lower is better: none that costs at most as much is better. `value` and `cost_value` are as
-- stored. The best architecture under a limit is the last row whose cost is within it.
-- Stored: small
WITH costs AS MATERIALIZED (
    SELECT
        costs.*,
        mains.target AS main_target,
        mains.dataset AS main_dataset,
        mains.metric AS main_metric
    FROM numbered_targets AS costs
    INNER JOIN numbered_targets AS mains
        ON costs.benchmark = mains.benchmark AND costs.space = mains.space AND mains.main
    WHERE NOT costs.leads AND NOT costs.higher_is_better
),

costed AS (
    SELECT
        costs.target,
        best.arch_id,
        best.value,
        best.truth,
        paid.value AS cost_value
    FROM costs
    INNER JOIN numbered_truth AS paid ON costs.target = paid.target AND NOT paid.leads
    INNER JOIN numbered_truth AS best
        ON costs.main_target = best.target AND best.main AND paid.arch_id = best.arch_id
),

placed AS (
    SELECT
        *,
        max(truth) OVER (
            PARTITION BY target
            ORDER BY cost_value ASC, truth DESC, arch_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS best_before
    FROM costed
)

SELECT
    costs.benchmark,
    costs.space,
    costs.main_dataset AS dataset,
    costs.main_metric AS metric,
    costs.family,
    costs.condition,
    costs.dataset AS cost_dataset,
    costs.metric AS cost_metric,
    costs.unit AS cost_unit,
    placed.arch_id,
    placed.value,
    placed.cost_value
FROM placed
INNER JOIN costs ON placed.target = costs.target
WHERE placed.truth > coalesce(placed.best_before, '-inf'::DOUBLE)
