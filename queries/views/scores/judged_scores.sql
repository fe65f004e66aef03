-- One row per score that can show how well its proxy ranks: `every_score` without those of a proxy on the architectures
-- whose true values it was made with (`labelled`). Every rank correlation of scores with true values rests on these.
SELECT
    scores.benchmark,
    scores.space,
    scores.arch_id,
    scores.proxy_id,
    scores.seed,
    scores.value,
    scores.status
FROM every_score AS scores
ANTI JOIN labelled
    ON
        scores.benchmark = labelled.benchmark
        AND scores.space = labelled.space
        AND scores.proxy_id = labelled.proxy_id
        AND scores.arch_id = labelled.arch_id
