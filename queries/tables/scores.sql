-- The rows of `scores` in all parts.
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
    device,
    run_id
FROM read_parquet(getvariable('lake') || '/parts/*/*/scores.parquet')
