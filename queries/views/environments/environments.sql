-- One row per run and kind of worker that computed it: processor, instruction set, libraries, threads and card. What
-- earlier versions did not record is NULL. `instruction_set` is torch's, with the limits that variables set to oneDNN
-- and MKL; it is NULL for a run that computed on a card, or nothing. `threads` is that of one worker.
WITH listed AS (
    SELECT
        run_id,
        stage,
        device,
        packages ->> '$.torch' AS torch,
        unnest(coalesce(from_json(environments, '["JSON"]'), [NULL])) AS environment
    FROM runs
),

limited AS (
    SELECT
        *,
        coalesce(
            environment ->> '$.variables.ONEDNN_MAX_CPU_ISA', environment ->> '$.variables.DNNL_MAX_CPU_ISA'
        ) AS onednn_limit,
        coalesce(
            environment ->> '$.variables.MKL_ENABLE_INSTRUCTIONS', environment ->> '$.variables.MKL_CBWR'
        ) AS mkl_limit
    FROM listed
)

SELECT
    run_id,
    stage,
    device,
    environment ->> '$.cpu' AS cpu,
    CASE
        WHEN device = 'cpu'
            THEN
                (environment ->> '$.instruction_set')
                || coalesce(', oneDNN at most ' || onednn_limit, '')
                || coalesce(', MKL at most ' || mkl_limit, '')
                || CASE WHEN (environment ->> '$.onednn_enabled') = 'false' THEN ', without oneDNN' ELSE '' END
    END AS instruction_set,
    (environment ->> '$.threads')::BIGINT AS threads,
    coalesce(environment ->> '$.torch', torch) AS torch,
    environment ->> '$.onednn' AS onednn,
    environment ->> '$.mkl' AS mkl,
    environment ->> '$.card' AS card,
    environment ->> '$.cuda' AS cuda,
    environment ->> '$.cudnn' AS cudnn,
    environment ->> '$.os' AS os,
    environment ->> '$.architecture' AS architecture,
    environment
FROM limited
