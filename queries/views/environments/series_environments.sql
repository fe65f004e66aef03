-- One row per proxy and seed: in which environments its scores were computed, those of an aggregate by its terms; a
-- score moves from one to another (docs/measurements/2026-11-instruction-sets.md). `differs`: of which more than one is
-- recorded, device, instruction set, threads or torch. `mixed`: whether something differs; NULL where nothing is seen
-- to, but the runs of `unrecorded` scores did not record their instruction set. Released scores are left out.
WITH counted AS (
    SELECT
        benchmark,
        space,
        proxy_id,
        seed,
        device,
        run_id,
        count(*) AS scores
    FROM sampled_scores
    WHERE device IS NOT NULL
    GROUP BY ALL
),

made AS (
    FROM counted
    UNION ALL
    SELECT
        counted.benchmark,
        counted.space,
        terms.aggregate_id AS proxy_id,
        counted.seed,
        counted.device,
        counted.run_id,
        counted.scores
    FROM counted
    INNER JOIN aggregate_terms AS terms
        ON
            counted.benchmark = terms.benchmark
            AND counted.space = terms.space
            AND counted.proxy_id = terms.proxy_id
),

recorded AS (
    SELECT
        run_id,
        count(instruction_set) < count(*) AS unrecorded,
        list(instruction_set) AS instruction_sets,
        list(threads) AS threads,
        list(torch) AS torch,
        list(cpu) AS processors
    FROM environments
    GROUP BY run_id
),

gathered AS (
    SELECT
        made.benchmark,
        made.space,
        made.proxy_id,
        made.seed,
        sum(made.scores)::BIGINT AS scores,
        coalesce(
            sum(made.scores) FILTER (WHERE made.device = 'cpu' AND coalesce(recorded.unrecorded, TRUE)), 0
        )::BIGINT AS unrecorded,
        list(DISTINCT made.device ORDER BY made.device) AS devices,
        list_sort(list_distinct(flatten(list(recorded.instruction_sets)))) AS instruction_sets,
        list_sort(list_distinct(flatten(list(recorded.threads)))) AS threads,
        list_sort(list_distinct(flatten(list(recorded.torch)))) AS torch,
        list_sort(list_distinct(flatten(list(recorded.processors)))) AS processors
    FROM made
    LEFT JOIN recorded ON made.run_id = recorded.run_id
    GROUP BY ALL
),

compared AS (
    SELECT
        *,
        list_sort(
            list_distinct( -- which leaves out NULL
                [
                    CASE WHEN len(devices) > 1 THEN 'device' END,
                    CASE WHEN len(instruction_sets) > 1 THEN 'instruction set' END,
                    CASE WHEN len(threads) > 1 THEN 'threads' END,
                    CASE WHEN len(torch) > 1 THEN 'torch' END
                ]
            )
        ) AS differs
    FROM gathered
)

SELECT
    compared.benchmark,
    compared.space,
    compared.proxy_id,
    proxies.name AS proxy,
    compared.seed,
    compared.scores,
    compared.unrecorded,
    compared.devices,
    compared.instruction_sets,
    compared.threads,
    compared.torch,
    compared.processors,
    compared.differs,
    CASE
        WHEN len(compared.differs) > 0 THEN TRUE
        WHEN compared.unrecorded = 0 THEN FALSE
    END AS mixed
FROM compared
INNER JOIN proxies ON compared.proxy_id = proxies.proxy_id
