-- One row per proxy: what it is called, its kind, the kind of its input images, and its configuration.
SELECT
    labels.proxy_id,
    labels.label,
    labels.kind,
    labels.images,
    proxies.version,
    proxies.higher_is_better,
    proxies.configuration
FROM proxy_labels AS labels
INNER JOIN proxies ON labels.proxy_id = proxies.proxy_id
ORDER BY labels.label, labels.proxy_id
