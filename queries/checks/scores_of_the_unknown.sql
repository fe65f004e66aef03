-- One row per score of an architecture, proxy or run that the lake does not have.
SELECT
    scores.benchmark,
    scores.space,
    scores.arch_id,
    scores.proxy_id,
    scores.seed,
    scores.run_id,
    architectures.arch_id IS NOT NULL AS has_architecture,
    proxies.proxy_id IS NOT NULL AS has_proxy,
    runs.run_id IS NOT NULL AS has_run
FROM scores
LEFT JOIN architectures
    ON
        scores.benchmark = architectures.benchmark
        AND scores.space = architectures.space
        AND scores.arch_id = architectures.arch_id
LEFT JOIN proxies ON scores.proxy_id = proxies.proxy_id
LEFT JOIN runs ON scores.run_id = runs.run_id
WHERE architectures.arch_id IS NULL OR proxies.proxy_id IS NULL OR runs.run_id IS NULL
