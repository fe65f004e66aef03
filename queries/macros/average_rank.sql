-- The rank of a value among the rows with the same `series`, from 1 for the smallest; equal values share their mean
-- rank. Several columns make one series as `(space, proxy_id)`.
CREATE OR REPLACE MACRO average_rank(value, series) AS
(rank() OVER (PARTITION BY series ORDER BY value) + count(*) OVER (PARTITION BY series ORDER BY value)) / 2;
