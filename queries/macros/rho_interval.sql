-- The 95 % interval of Spearman's rho of n pairs, as {low, high}, from Fisher's transformation with the variance
-- (1 + rho^2 / 2) / (n - 3) of Bonett and Wright (2000, doi.org/10.1007/BF02294183): an approximation of the bootstrap
-- interval that SQL can take, too narrow above a rho of about 0.98. NULL for fewer than ten pairs, and where rho is -1
-- or 1 or not defined.
CREATE OR REPLACE MACRO rho_interval(rho, n) AS
CASE
    WHEN n >= 10 AND abs(rho) < 1
        THEN
            {
                'low': tanh(atanh(rho) - 1.959963984540054 * sqrt((1 + rho * rho / 2) / (n - 3))),
                'high': tanh(atanh(rho) + 1.959963984540054 * sqrt((1 + rho * rho / 2) / (n - 3)))
            }
END;
