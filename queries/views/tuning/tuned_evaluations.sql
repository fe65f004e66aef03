-- One row per evaluation of a way to use labels: Spearman's rho on architectures that were not labelled, the mean over
-- draws of the labels and the interval that holds 95 % of the draws (luck with labels; the architectures are the same).
-- An evaluation has one set of terms and of architectures; `newest` is the last begun of a pair of spaces and a number
-- of labels, among those of weighing and among those of what is learned beside the generic rule. `difference` is to the
-- best that takes no label and is at hand for every draw, in the same draws: `verdict` says whether its interval leaves
-- out zero.
WITH evaluations AS (
    SELECT
        draws.evaluation_id,
        draws.benchmark,
        draws.space,
        draws.to_benchmark,
        draws.to_space,
        max(draws.labels) AS labels,
        bool_or(draws.terms = 'scores and graph') AS learned,
        max(runs.started_at) AS started_at
    FROM tuning_draws AS draws
    INNER JOIN runs ON draws.run_id = runs.run_id
    GROUP BY ALL
),

ranked AS (
    SELECT
        evaluation_id,
        labels,
        row_number() OVER (
            PARTITION BY benchmark, space, to_benchmark, to_space, labels, learned
            ORDER BY started_at DESC, evaluation_id ASC
        ) = 1 AS newest
    FROM evaluations
),

taken AS (
    SELECT
        draws.*,
        ranked.newest,
        ranked.labels AS given
    FROM tuning_draws AS draws
    INNER JOIN ranked ON draws.evaluation_id = ranked.evaluation_id
),

unlabelled AS (
    SELECT
        evaluation_id,
        terms,
        method,
        avg(rho ORDER BY rho) AS mean_rho
    FROM taken
    WHERE labels = 0
    GROUP BY ALL
),

means AS (
    SELECT *
    FROM unlabelled
    QUALIFY row_number() OVER (PARTITION BY evaluation_id ORDER BY mean_rho DESC, terms ASC, method ASC) = 1
),

compared AS (
    SELECT
        taken.*,
        means.terms AS part_terms,
        means.method AS part_method,
        taken.rho - parts.rho AS difference
    FROM taken
    INNER JOIN means ON taken.evaluation_id = means.evaluation_id
    INNER JOIN taken AS parts
        ON
            means.evaluation_id = parts.evaluation_id
            AND means.terms = parts.terms
            AND means.method = parts.method
            AND taken.draw = parts.draw
),

summed AS (
    SELECT
        evaluation_id,
        newest,
        benchmark,
        space,
        to_benchmark,
        to_space,
        dataset,
        metric,
        given AS labels_given,
        terms,
        method,
        labels,
        count(*) AS draws,
        min(n) AS n,
        avg(rho ORDER BY rho) AS rho,
        quantile_cont(rho, 0.025) AS low,
        quantile_cont(rho, 0.975) AS high,
        any_value(part_method || ' ' || part_terms) AS best_without_labels,
        avg(difference ORDER BY difference) AS difference,
        quantile_cont(difference, 0.025) AS difference_low,
        quantile_cont(difference, 0.975) AS difference_high
    FROM compared
    GROUP BY ALL
)

SELECT
    *,
    CASE
        WHEN labels = 0 THEN 'no labels'
        WHEN difference_low > 0 THEN 'better'
        WHEN difference_high < 0 THEN 'worse'
        ELSE 'no better'
    END AS verdict
FROM summed
