-- One row per proxy and seed whose scores were computed in more than one environment.
SELECT
    mixed.benchmark,
    mixed.space,
    labels.label,
    labels.released,
    mixed.proxy_id,
    mixed.seed,
    mixed.scores,
    mixed.unrecorded,
    array_to_string(mixed.devices, '; ') AS devices,
    array_to_string(mixed.instruction_sets, '; ') AS instruction_sets,
    array_to_string(mixed.threads, '; ') AS threads,
    array_to_string(mixed.torch, '; ') AS torch,
    array_to_string(mixed.differs, ', ') AS differs
FROM mixed_environments AS mixed
INNER JOIN proxy_labels AS labels ON mixed.proxy_id = labels.proxy_id
ORDER BY mixed.benchmark, mixed.space, labels.label, mixed.seed
