-- One row per training curve and point where it is read: the mean training loss of the five iterations that end after a
-- fifth, a half and all of the training, and the last evaluation loss. Architectures and losses are in the same order;
-- an architecture whose training ended before is left out.
WITH own AS (
    SELECT
        proxy_id,
        stage,
        signal,
        mode,
        arch_id,
        iteration,
        loss
    FROM curve_points
    WHERE benchmark = $benchmark AND space = $space AND seed = $seed
),

shares AS (
    SELECT unnest([0.2, 0.5, 1.0]) AS share
),

longest AS (
    SELECT
        proxy_id,
        mode,
        max(iteration) AS iterations
    FROM own
    GROUP BY ALL
),

points AS (
    SELECT DISTINCT
        longest.proxy_id,
        longest.mode,
        greatest(1, round(longest.iterations * shares.share)::BIGINT) AS last_iteration
    FROM longest
    CROSS JOIN shares
    WHERE longest.mode = 'train' OR shares.share = 1
),

read_off AS (
    SELECT
        own.proxy_id,
        own.stage,
        own.signal,
        own.mode,
        own.arch_id,
        points.last_iteration,
        min(own.iteration) AS first_iteration,
        -- as `aggregate_scores` takes it
        significant(list_avg(list(own.loss ORDER BY own.iteration))) AS loss
    FROM own
    INNER JOIN points ON own.proxy_id = points.proxy_id AND own.mode = points.mode
    WHERE
        own.iteration <= points.last_iteration
        AND own.iteration > points.last_iteration - CASE WHEN own.mode = 'train' THEN 5 ELSE 1 END
    GROUP BY ALL
    HAVING max(own.iteration) = points.last_iteration
)

SELECT
    proxy_id,
    stage,
    signal,
    mode,
    first_iteration,
    last_iteration,
    list(arch_id ORDER BY arch_id) AS arch_ids,
    list(loss ORDER BY arch_id) AS losses
FROM read_off
GROUP BY ALL
ORDER BY proxy_id, stage, signal, mode, last_iteration
