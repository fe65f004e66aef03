-- One row per architecture of a space that another space of the benchmark has with the same spec: of the same cells,
-- the true value of the one may be that of the other.
WITH there AS (
    SELECT
        arch_id,
        spec
    FROM architectures
    WHERE benchmark = $benchmark AND space = $other
)

SELECT
    architectures.arch_id,
    there.arch_id AS alike
FROM architectures
INNER JOIN there ON architectures.spec = there.spec
WHERE architectures.benchmark = $benchmark AND architectures.space = $space
ORDER BY architectures.arch_id, there.arch_id
