-- One row per score: those that are stored, and those that the aggregates make of them. Rankings read this.
-- Held: in memory
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed,
    value,
    status,
    reason,
    seconds,
    device
FROM sampled_scores
UNION ALL BY NAME
FROM aggregate_scores
