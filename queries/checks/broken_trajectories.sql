-- One row per step of a search that the lake does not have, of an architecture that it does not have, or that follows
-- no step.
SELECT
    trajectories.search_id,
    trajectories.seed,
    trajectories.step,
    trajectories.arch_id
FROM trajectories
LEFT JOIN searches ON trajectories.search_id = searches.search_id
LEFT JOIN architectures
    ON
        searches.benchmark = architectures.benchmark
        AND searches.space = architectures.space
        AND trajectories.arch_id = architectures.arch_id
QUALIFY
    searches.search_id IS NULL
    OR architectures.arch_id IS NULL
    OR trajectories.step <> row_number() OVER (
        PARTITION BY trajectories.search_id, trajectories.seed
        ORDER BY trajectories.step
    )
