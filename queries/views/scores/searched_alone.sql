-- One row per score that only a search asked for. The search chose what to score by the scores before, so these are no
-- sample and do not show how a proxy ranks at large; what a sample or a list asked for, too, is not here.
SELECT
    scores.benchmark,
    scores.space,
    scores.arch_id,
    scores.proxy_id,
    scores.seed
FROM scores
INNER JOIN runs ON scores.run_id = runs.run_id
WHERE runs.stage = 'search'
EXCEPT
SELECT
    benchmark,
    space,
    arch_id,
    proxy_id,
    seed
FROM adopted
