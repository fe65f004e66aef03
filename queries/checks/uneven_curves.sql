-- One row per training curve with more iterations than losses or fewer, none at all, or iterations that do not rise
-- from 1 or later.
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    stage,
    signal,
    mode,
    len(iterations) AS iterations,
    len(losses) AS losses
FROM curves
WHERE
    len(iterations) <> len(losses)
    OR len(iterations) = 0
    OR iterations[1] < 1
    OR iterations <> list_sort(list_distinct(iterations))
