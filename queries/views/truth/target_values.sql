-- One row per architecture with a true value and target of the family that leads: `value` as it is stored, `truth`
-- oriented, higher is better. The other families are in `target_values_by_family`.
SELECT
    benchmark,
    space,
    dataset,
    metric,
    epochs,
    split,
    main,
    covered,
    higher_is_better,
    arch_id,
    value,
    truth
FROM target_values_by_family
WHERE leads
