-- Where does each value of an architecture come from? Source file, hash and the run that read it.
-- Run: pipeline query --example where_does_a_value_come_from --param arch_id=0123456789abcdef
SELECT
    truth.dataset,
    truth.metric,
    truth.epochs,
    truth.seed,
    truth.value,
    truth.status,
    sources.name AS source,
    sources.file_name,
    sources.sha256,
    runs.started_at AS ingested_at,
    runs.code_version
FROM truth
INNER JOIN sources ON truth.source_id = sources.source_id
LEFT JOIN runs ON sources.run_id = runs.run_id
WHERE truth.arch_id = $arch_id AND truth.epoch IS NULL
ORDER BY truth.dataset, truth.metric, truth.epochs, source, truth.seed
