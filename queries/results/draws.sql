-- One row per way to use all terms and draw of the labels, of the first draws: rho, by which a shorter evaluation can
-- be compared.
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
