-- Aggregate: Spearman's rho of the rows of a group, from the average ranks of both sides, which are whole or half.
-- Twice a rank is a whole number, so that the sums are exact: the same rows give the same bits in whatever order
-- threads add them up. NULL where one side has a single value. Both ranks of a row are there, or neither.
CREATE OR REPLACE MACRO spearman_of_ranks(x, y) AS
(count(x) * sum((2 * x)::BIGINT * (2 * y)::BIGINT) - sum((2 * x)::BIGINT) * sum((2 * y)::BIGINT))::DOUBLE
/ nullif(
    sqrt(
        (count(x) * sum((2 * x)::BIGINT * (2 * x)::BIGINT) - sum((2 * x)::BIGINT) * sum((2 * x)::BIGINT))::DOUBLE
        * (count(y) * sum((2 * y)::BIGINT * (2 * y)::BIGINT) - sum((2 * y)::BIGINT) * sum((2 * y)::BIGINT))::DOUBLE
    ),
    0
);
