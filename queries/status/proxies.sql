-- One row per proxy with its configuration; of aggregates, which are computed and not scored, too.
SELECT
    proxy_id,
    name,
    kind,
    version,
    configuration
FROM proxies
ORDER BY name, proxy_id
