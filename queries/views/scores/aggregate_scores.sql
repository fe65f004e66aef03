-- One row per aggregate, architecture and seed: the weighted sum of the terms, each oriented so that higher is better.
-- A `rank` counts from the worst (the best has 1, ties share their mean) among the architectures of the space and seed
-- that have all terms, divided by their number; `log-rank` is its logarithm, `log` the logarithm of what is stored (a
-- failure where that is not positive), `value` what is stored. An architecture on which a term has not been tried has
-- no row; one on which a term failed has failed, unless the term ranks failures last, and so has one whose sum is not
-- finite. Scores without a seed go with every seed; a term of n seeds is the mean over n scores (of `log` over their
-- logarithms), of which the aggregate's seed s takes those from n s to n s + n - 1. `seconds` adds up what each proxy
-- costs by itself, although those of a bundle share passes, and a training in proportion to the iterations used; NULL
-- where a cost is not known.
-- Stored: small
WITH numbered_terms AS MATERIALIZED (
    SELECT
        *,
        hash(benchmark, space, proxy_id, stage, signal, mode, first_iteration, last_iteration) AS part_of_curves
    FROM aggregate_terms
),

read AS (
    SELECT DISTINCT
        benchmark,
        space,
        proxy_id,
        stage,
        signal,
        mode,
        first_iteration,
        last_iteration,
        part_of_curves
    FROM numbered_terms
),

read_curves AS (
    SELECT
        read.part_of_curves,
        read.first_iteration,
        read.last_iteration,
        curves.arch_id,
        curves.seed,
        curves.iterations,
        curves.losses
    FROM read
    INNER JOIN curves
        ON
            read.benchmark = curves.benchmark
            AND read.space = curves.space
            AND read.proxy_id = curves.proxy_id
            AND read.stage = curves.stage
            AND read.signal = curves.signal
            AND read.mode = curves.mode
    WHERE list_max(curves.iterations) >= read.last_iteration -- a training that stopped earlier has no number
),

read_off AS (
    SELECT
        part_of_curves,
        arch_id,
        seed,
        significant(
            list_avg(
                [
                    loss::DOUBLE FOR loss, place IN losses
                    IF iterations[place] BETWEEN first_iteration AND last_iteration
                ]
            )
        ) AS loss
    FROM read_curves
),

taken AS (
    SELECT
        terms.*,
        scores.arch_id,
        scores.seed,
        scores.status,
        scores.reason,
        scores.device,
        scores.seconds
        * CASE WHEN terms.stage IS NULL THEN 1 ELSE coalesce(least(1, terms.last_iteration / terms.iterations), 1) END
            AS seconds,
        terms.stage IS NULL AND terms.higher_is_better AS promising, -- of a loss less is better
        CASE
            WHEN terms.stage IS NOT NULL THEN read_off.loss
            WHEN scores.status = 'ok' THEN scores.value
        END AS stored
    FROM numbered_terms AS terms
    INNER JOIN sampled_scores AS scores
        ON terms.benchmark = scores.benchmark AND terms.space = scores.space AND terms.proxy_id = scores.proxy_id
    LEFT JOIN read_off
        ON
            terms.part_of_curves = read_off.part_of_curves
            AND scores.arch_id = read_off.arch_id
            AND scores.seed IS NOT DISTINCT FROM read_off.seed
),

turned AS (
    SELECT
        *,
        CASE
            WHEN NOT isfinite(stored) THEN NULL
            WHEN transform <> 'log' THEN oriented(stored, promising)
            WHEN stored > 0 THEN oriented(ln(stored), promising)
        END AS number,
        proxy || coalesce(' stage ' || stage, '') || ': '
        || CASE
            WHEN status <> 'ok' THEN coalesce(reason, status)
            WHEN transform = 'log' AND stored <= 0 THEN 'not positive, so it has no logarithm'
            WHEN stored IS NOT NULL THEN 'not finite'
            ELSE printf('no %s loss of %s over iterations %d to %d', mode, signal, first_iteration, last_iteration)
        END AS complaint
    FROM taken
),

averaged AS (
    SELECT
        aggregate_id,
        benchmark,
        space,
        arch_id,
        terms,
        term,
        proxy_id,
        transform,
        weight,
        failed,
        seed,
        number,
        complaint,
        seconds,
        device
    FROM turned
    WHERE seeds = 1 OR seed IS NULL
    UNION ALL
    SELECT
        aggregate_id,
        benchmark,
        space,
        arch_id,
        terms,
        term,
        proxy_id,
        transform,
        weight,
        failed,
        seed // seeds AS first_of_seeds,
        CASE WHEN count(number) = count(*) THEN significant(list_avg(list(number ORDER BY seed))) END AS number,
        min_by(complaint, seed) FILTER (WHERE number IS NULL) AS complaint,
        CASE WHEN count(seconds) = count(*) THEN sum(seconds ORDER BY seconds) END AS seconds,
        string_agg(DISTINCT device, ', ' ORDER BY device) AS device
    FROM turned
    WHERE seeds > 1 AND seed IS NOT NULL
    GROUP BY
        aggregate_id, benchmark, space, arch_id, terms, term, proxy_id, transform, weight, failed, seeds, seed // seeds
    HAVING count(*) = seeds
),

seeds AS (
    SELECT
        aggregate_id,
        benchmark,
        space,
        unnest(coalesce(list(DISTINCT seed) FILTER (WHERE seed IS NOT NULL), [NULL])) AS seed
    FROM averaged
    GROUP BY aggregate_id, benchmark, space
),

cells AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS cell
    FROM seeds
),

placed AS MATERIALIZED (
    SELECT
        averaged.aggregate_id,
        averaged.benchmark,
        averaged.space,
        cells.seed,
        averaged.arch_id,
        averaged.terms,
        averaged.term,
        averaged.proxy_id,
        averaged.transform,
        averaged.weight,
        coalesce(averaged.number, CASE averaged.failed WHEN 'last' THEN '-infinity'::DOUBLE END) AS number,
        averaged.complaint,
        averaged.seconds,
        averaged.device,
        cells.cell
    FROM averaged
    INNER JOIN cells
        ON
            averaged.aggregate_id = cells.aggregate_id
            AND averaged.benchmark = cells.benchmark
            AND averaged.space = cells.space
            AND (averaged.seed = cells.seed OR averaged.seed IS NULL)
),

needed AS (
    SELECT
        cell,
        arch_id,
        proxy_id,
        max(seconds) AS seconds,
        max(device) AS device
    FROM placed
    GROUP BY ALL
),

costs AS (
    SELECT
        cell,
        arch_id,
        CASE WHEN count(seconds) = count(*) THEN sum(seconds ORDER BY seconds) END AS seconds,
        string_agg(DISTINCT device, ', ' ORDER BY device) AS device
    FROM needed
    GROUP BY ALL
),

tried AS MATERIALIZED (
    SELECT
        cell,
        arch_id,
        any_value(benchmark) AS benchmark,
        any_value(space) AS space,
        any_value(aggregate_id) AS aggregate_id,
        any_value(seed) AS seed,
        min_by(complaint, term) FILTER (WHERE number IS NULL) AS reason
    FROM placed
    GROUP BY ALL
    HAVING count(*) = any_value(terms)
),

whole AS (
    SELECT
        cell,
        arch_id
    FROM tried
    WHERE reason IS NULL
),

counted AS (
    SELECT
        cell,
        count(*) AS n
    FROM whole
    GROUP BY cell
),

ranked AS (
    SELECT
        placed.cell,
        placed.arch_id,
        placed.term,
        placed.transform,
        placed.weight,
        placed.number,
        counted.n,
        average_rank(placed.number, hash(placed.cell, placed.term)) AS place -- sorted faster than two columns
    FROM placed
    SEMI JOIN whole ON placed.cell = whole.cell AND placed.arch_id = whole.arch_id
    INNER JOIN counted ON placed.cell = counted.cell
),

summed AS (
    SELECT
        cell,
        arch_id,
        -- the ranks are added up and rounded before they are divided, so that equal sums stay tied
        coalesce(significant(sum(weight * place ORDER BY term) FILTER (WHERE transform = 'rank')) / any_value(n), 0)
        + coalesce(
            list_sum(
                list(weight * CASE transform WHEN 'log-rank' THEN ln(place / n) ELSE number END ORDER BY term)
                FILTER (WHERE transform <> 'rank')
            ),
            0
        ) AS value
    FROM ranked
    GROUP BY ALL
)

SELECT
    tried.benchmark,
    tried.space,
    tried.arch_id,
    tried.aggregate_id AS proxy_id,
    tried.seed,
    CASE WHEN isfinite(summed.value) THEN summed.value END AS value,
    CASE WHEN isfinite(summed.value) THEN 'ok' ELSE 'failed' END AS status,
    CASE WHEN NOT isfinite(summed.value) THEN 'the sum of its terms is not finite' ELSE tried.reason END AS reason,
    costs.seconds,
    costs.device
FROM tried
LEFT JOIN costs ON tried.cell = costs.cell AND tried.arch_id = costs.arch_id
LEFT JOIN summed ON tried.cell = summed.cell AND tried.arch_id = summed.arch_id
