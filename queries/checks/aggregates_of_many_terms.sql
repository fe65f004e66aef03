-- One row per aggregate of more terms than one may have: the views give it no scores.
SELECT
    proxy_id,
    name,
    try(json_array_length(configuration, '$.terms')) AS terms
FROM proxies
WHERE try(json_array_length(configuration, '$.terms')) > 1000
