-- A score or true value turned so that higher is better: the value itself, or its negative where lower is better.
CREATE OR REPLACE MACRO oriented(value, higher_is_better) AS
CASE WHEN higher_is_better THEN value ELSE -value END;
