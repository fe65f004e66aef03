-- One row: what tuning and searching in one benchmark rest on, as numbers that change when any of it does: the scores,
-- the training curves and the true values. They are comparable within one version of DuckDB.
SELECT
    (
        SELECT bit_xor(hash(space, arch_id, proxy_id, seed, status, value))::VARCHAR
        FROM scores
        WHERE benchmark = $benchmark
    ) AS scores,
    (
        SELECT bit_xor(hash(space, arch_id, proxy_id, seed, stage, signal, mode, iterations, losses))::VARCHAR
        FROM curves
        WHERE benchmark = $benchmark
    ) AS curves,
    (
        SELECT bit_xor(hash(space, arch_id, dataset, metric, value))::VARCHAR
        FROM target_values
        WHERE benchmark = $benchmark
    ) AS truths
