-- One row per key that several rows of a table share; NULL counts as a value.
SELECT
    'runs' AS table_name,
    row(run_id)::VARCHAR AS key,
    count(*) AS rows
FROM runs
GROUP BY run_id
HAVING count(*) > 1
UNION ALL
SELECT
    'sources' AS table_name,
    row(source_id)::VARCHAR AS key,
    count(*) AS rows
FROM sources
GROUP BY source_id
HAVING count(*) > 1
UNION ALL
SELECT
    'rejects' AS table_name,
    row(source_id, position)::VARCHAR AS key,
    count(*) AS rows
FROM rejects
GROUP BY source_id, position
HAVING count(*) > 1
UNION ALL
SELECT
    'architectures' AS table_name,
    row(benchmark, space, arch_id)::VARCHAR AS key,
    count(*) AS rows
FROM architectures
GROUP BY benchmark, space, arch_id
HAVING count(*) > 1
UNION ALL
SELECT
    'metrics' AS table_name,
    row(benchmark, dataset, metric)::VARCHAR AS key,
    count(*) AS rows
FROM metrics
GROUP BY benchmark, dataset, metric
HAVING count(*) > 1
UNION ALL
SELECT
    'truth' AS table_name,
    row(benchmark, space, arch_id, dataset, metric, epochs, seed, epoch, source_id)::VARCHAR AS key,
    count(*) AS rows
FROM truth
GROUP BY benchmark, space, arch_id, dataset, metric, epochs, seed, epoch, source_id
HAVING count(*) > 1
UNION ALL
SELECT
    'proxies' AS table_name,
    row(proxy_id)::VARCHAR AS key,
    count(*) AS rows
FROM proxies
GROUP BY proxy_id
HAVING count(*) > 1
UNION ALL
SELECT
    'scores' AS table_name,
    row(benchmark, space, arch_id, proxy_id, seed)::VARCHAR AS key,
    count(*) AS rows
FROM scores
GROUP BY benchmark, space, arch_id, proxy_id, seed
HAVING count(*) > 1
UNION ALL
SELECT
    'retried' AS table_name,
    row(benchmark, space, arch_id, proxy_id, seed)::VARCHAR AS key,
    count(*) AS rows
FROM retried
GROUP BY benchmark, space, arch_id, proxy_id, seed
HAVING count(*) > 1
UNION ALL
SELECT
    'adopted' AS table_name,
    row(benchmark, space, arch_id, proxy_id, seed)::VARCHAR AS key,
    count(*) AS rows
FROM adopted
GROUP BY benchmark, space, arch_id, proxy_id, seed
HAVING count(*) > 1
UNION ALL
SELECT
    'searches' AS table_name,
    row(search_id)::VARCHAR AS key,
    count(*) AS rows
FROM searches
GROUP BY search_id
HAVING count(*) > 1
UNION ALL
SELECT
    'trajectories' AS table_name,
    row(search_id, seed, step)::VARCHAR AS key,
    count(*) AS rows
FROM trajectories
GROUP BY search_id, seed, step
HAVING count(*) > 1
UNION ALL
SELECT
    'tunings' AS table_name,
    row(tuning_id, proxy_id)::VARCHAR AS key,
    count(*) AS rows
FROM tunings
GROUP BY tuning_id, proxy_id
HAVING count(*) > 1
UNION ALL
SELECT
    'tuning_tasks' AS table_name,
    row(tuning_id, step)::VARCHAR AS key,
    count(*) AS rows
FROM tuning_tasks
GROUP BY tuning_id, step
HAVING count(*) > 1
UNION ALL
SELECT
    'tuning_trials' AS table_name,
    row(tuning_id, step, arch_id)::VARCHAR AS key,
    count(*) AS rows
FROM tuning_trials
GROUP BY tuning_id, step, arch_id
HAVING count(*) > 1
UNION ALL
SELECT
    'tuning_draws' AS table_name,
    row(evaluation_id, to_benchmark, to_space, terms, method, draw)::VARCHAR AS key,
    count(*) AS rows
FROM tuning_draws
GROUP BY evaluation_id, to_benchmark, to_space, terms, method, draw
HAVING count(*) > 1
UNION ALL
SELECT
    'curves' AS table_name,
    row(benchmark, space, arch_id, proxy_id, seed, stage, signal, mode)::VARCHAR AS key,
    count(*) AS rows
FROM curves
GROUP BY benchmark, space, arch_id, proxy_id, seed, stage, signal, mode
HAVING count(*) > 1
