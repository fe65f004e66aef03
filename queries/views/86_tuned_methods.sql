-- How good a way to use labels is: Spearman's rho on architectures that were not labelled, the mean over draws of the
-- labels and the interval that holds 95 % of the draws (luck with labels; the architectures are the same). Of each pair
-- of spaces and number of labels the newest evaluation. `difference` is to the best that takes no label and is at hand
-- for every draw, in the same draws: `verdict` says whether its interval leaves out zero.
WITH evaluations AS (
    SELECT
        draws.evaluation_id,
        draws.benchmark,
        draws.space,
        draws.to_benchmark,
        draws.to_space,
        max(draws.labels) AS labels,
        max(runs.started_at) AS started_at
    FROM tuning_draws AS draws
    INNER JOIN runs ON draws.run_id = runs.run_id
    GROUP BY ALL
),

newest AS (
    SELECT
        evaluation_id,
        labels
    FROM evaluations
    QUALIFY
        row_number() OVER (
            PARTITION BY benchmark, space, to_benchmark, to_space, labels
            ORDER BY started_at DESC, evaluation_id ASC
        ) = 1
),

taken AS (
    SELECT
        draws.*,
        newest.labels AS given
    FROM tuning_draws AS draws
    INNER JOIN newest ON draws.evaluation_id = newest.evaluation_id
),

unlabelled AS (
    SELECT
        evaluation_id,
        terms,
        method,
        avg(rho) AS mean_rho
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
        avg(rho) AS rho,
        quantile_cont(rho, 0.025) AS low,
        quantile_cont(rho, 0.975) AS high,
        any_value(part_method || ' ' || part_terms) AS best_without_labels,
        avg(difference) AS difference,
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
