-- One row per proxy and architecture whose true value it was made with: a label of `tunings`. Its score there does not
-- show how well it ranks.
SELECT DISTINCT
    benchmark,
    space,
    proxy_id,
    unnest(labels) AS arch_id
FROM tunings
