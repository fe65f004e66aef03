-- One row per target: `targets` with the number `target`, the hash of its four names, by which several slow views join
-- and group in a fraction of the time, and with `column_of_truth`, the hash of all that tells the values which it is
-- made of from others in `final_truth`. `repeated`: an architecture has several values, of several training seeds.
-- Held: in memory
SELECT
    targets.benchmark,
    targets.space,
    targets.dataset,
    targets.metric,
    targets.epochs,
    targets.source_id,
    targets.source,
    targets.architectures,
    targets.split,
    targets.unit,
    targets.higher_is_better,
    targets.priority,
    targets.family,
    targets.condition,
    targets.covered,
    targets.leads,
    targets.main,
    hash(targets.benchmark, targets.space, targets.dataset, targets.metric) AS target,
    hash(
        targets.benchmark, targets.space, targets.dataset, targets.metric, targets.epochs, targets.source_id
    ) AS column_of_truth,
    reference.measured > reference.architectures AS repeated
FROM targets
INNER JOIN reference_sources AS reference
    ON
        targets.benchmark = reference.benchmark
        AND targets.space = reference.space
        AND targets.dataset = reference.dataset
        AND targets.metric = reference.metric
        AND targets.epochs IS NOT DISTINCT FROM reference.epochs
        AND targets.source_id = reference.source_id
