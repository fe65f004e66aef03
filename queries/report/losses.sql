-- One row per architecture and mode: the stage-weighted loss curve with the oriented true value, for one proxy, seed
-- and target; only architectures whose loss is finite at every iteration.
SELECT
    curves.mode,
    list(curves.iteration ORDER BY curves.iteration) AS iterations,
    list(curves.loss ORDER BY curves.iteration) AS losses,
    any_value(target_values.truth) AS truth
FROM weighted_curves AS curves
INNER JOIN target_values
    ON
        curves.benchmark = target_values.benchmark
        AND curves.space = target_values.space
        AND curves.arch_id = target_values.arch_id
WHERE
    curves.benchmark = $benchmark
    AND curves.space = $space
    AND curves.proxy_id = $proxy_id
    AND curves.seed IS NOT DISTINCT FROM $seed
    AND target_values.dataset = $dataset
    AND target_values.metric = $metric
    AND isfinite(curves.loss)
GROUP BY curves.mode, curves.arch_id
QUALIFY count(*) = max(count(*)) OVER (PARTITION BY curves.mode)
ORDER BY curves.mode, curves.arch_id
