-- The correlation, over samples, of two correlations with the same third variable, from these and the `agreement` of
-- the two: Pearson and Filon (1898, doi.org/10.1098/rsta.1898.0007), from -1 to 1.
CREATE OR REPLACE MACRO rhos_together(rho, other_rho, agreement) AS
greatest(
    -1,
    least(
        1,
        (
            (agreement - rho * other_rho / 2) * (1 - rho ** 2 - other_rho ** 2 - agreement ** 2)
            + agreement ** 3
        ) / ((1 - rho ** 2) * (1 - other_rho ** 2))
    )
);
