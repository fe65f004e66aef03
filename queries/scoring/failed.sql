-- One row per score of a space and seed that failed, except trainings of which losses are stored.
SELECT
    scores.arch_id,
    scores.proxy_id
FROM scores
ANTI JOIN curves
    ON
        scores.benchmark = curves.benchmark
        AND scores.space = curves.space
        AND scores.arch_id = curves.arch_id
        AND scores.proxy_id = curves.proxy_id
        AND scores.seed = curves.seed
WHERE
    scores.status <> 'ok'
    AND scores.benchmark = $benchmark
    AND scores.space = $space
    AND scores.seed = $seed
