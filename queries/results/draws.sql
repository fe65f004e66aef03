-- Rho of some ways to use labels in the first draws of the labels, by which a shorter evaluation can be compared.
SELECT
    terms,
    method,
    draw,
    rho
FROM tuning_draws
WHERE
    list_contains($evaluations, evaluation_id)
    AND benchmark = $benchmark
    AND space = $space
    AND to_space = $space
    AND draw < $draws
    AND terms = 'all'
ORDER BY terms, method, draw
