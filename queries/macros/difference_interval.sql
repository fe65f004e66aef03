-- The 95 % interval of Spearman's rho of one proxy minus that of another, as {low, high}, where both have ranked the
-- same n architectures; `agreement` is rho between their scores. It follows from the intervals of both (see
-- `rho_interval`) and from how they vary together (see `rhos_together`), after Zou (2007,
-- doi.org/10.1037/1082-989X.12.4.399): an approximation of the paired bootstrap interval that SQL can take. [0, 0]
-- where both rank alike (`agreement` 1), as in every resample; else NULL where one of the two intervals is.
CREATE OR REPLACE MACRO difference_interval(rho, other_rho, agreement, n) AS
CASE
    WHEN agreement = 1 AND rho = other_rho THEN { 'low': 0.0, 'high': 0.0 }
    WHEN n >= 10 AND abs(rho) < 1 AND abs(other_rho) < 1
        THEN
            {
                'low':
                rho - other_rho - sqrt(
                    (rho - rho_interval(rho, n).low) ** 2 + (rho_interval(other_rho, n).high - other_rho) ** 2
                    - 2 * rhos_together(rho, other_rho, agreement)
                    * (rho - rho_interval(rho, n).low) * (rho_interval(other_rho, n).high - other_rho)
                ),
                'high':
                rho - other_rho + sqrt(
                    (rho_interval(rho, n).high - rho) ** 2 + (other_rho - rho_interval(other_rho, n).low) ** 2
                    - 2 * rhos_together(rho, other_rho, agreement)
                    * (rho_interval(rho, n).high - rho) * (other_rho - rho_interval(other_rho, n).low)
                )
            }
END;
