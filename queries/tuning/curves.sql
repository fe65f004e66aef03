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
        iterations,
        losses
    FROM sampled_curves
    WHERE benchmark = $benchmark AND space = $space AND seed = $seed
),

shares AS (
    SELECT unnest([0.2, 0.5, 1.0]) AS share
),

longest AS (
    SELECT
        proxy_id,
        mode,
        max(list_max(iterations)) AS iterations
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

reaching AS (
    SELECT
        own.*,
        points.last_iteration,
        CASE WHEN own.mode = 'train' THEN 5 ELSE 1 END AS width
    FROM own
    INNER JOIN points ON own.proxy_id = points.proxy_id AND own.mode = points.mode
    WHERE list_contains(own.iterations, points.last_iteration)
),

-- [iteration, loss] of those that are read
read_off AS (
    SELECT
        *,
        list_sort([
            point FOR point IN list_zip(iterations, losses)
            IF point[1] <= last_iteration AND point[1] > last_iteration - width
        ]) AS points_read
    FROM reaching
)

SELECT
    proxy_id,
    stage,
    signal,
    mode,
    points_read[1][1] AS first_iteration,
    last_iteration,
    list(arch_id ORDER BY arch_id) AS arch_ids,
    -- as `aggregate_scores` takes it
    list(significant(list_avg([point[2] FOR point IN points_read])) ORDER BY arch_id) AS losses
FROM read_off
GROUP BY ALL
ORDER BY proxy_id, stage, signal, mode, last_iteration
