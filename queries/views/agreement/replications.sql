-- One row per published figure, beside what this lake measured with the proxy of that name here: with the same data set
-- and, where it is a target, the same metric (else the data set's first target), on the most architectures, of the
-- smallest seed. `low` and `high` are the macro `rho_interval` of our rho. `status`: `reproduced` (the published rho
-- lies in our interval, or ours in that of the published sample), `above` or `below` (ours is, by more than that),
-- `not comparable` (`remark` says why, or the figure is no rho) or `not run` (nothing here is the same, or it has fewer
-- than ten architectures). `reruns` are the figures of others who ran the same again.
WITH measured AS (
    SELECT
        published.figure,
        correlations.proxy_id,
        correlations.seed,
        correlations.metric,
        correlations.n,
        correlations.n_failed,
        correlations.rho,
        rho_interval(correlations.rho, correlations.n) AS ours_interval
    FROM published
    INNER JOIN correlations
        ON
            published.benchmark = correlations.benchmark
            AND published.space = correlations.space
            AND published.dataset = correlations.dataset
            AND published.ours = correlations.proxy
    INNER JOIN proxy_labels AS labels ON correlations.proxy_id = labels.proxy_id AND NOT labels.released
    INNER JOIN metrics
        ON
            correlations.benchmark = metrics.benchmark
            AND correlations.dataset = metrics.dataset
            AND correlations.metric = metrics.metric
    WHERE correlations.rho IS NOT NULL
    QUALIFY
        row_number() OVER (
            PARTITION BY published.figure
            ORDER BY
                coalesce(published.metric = correlations.metric, FALSE) DESC,
                metrics.priority ASC,
                correlations.n DESC,
                correlations.seed ASC,
                correlations.proxy_id ASC
        ) = 1
),

reruns AS (
    SELECT
        rerun_of AS figure,
        list(struct_pack(source := source, rho := rho, n := n, address := address) ORDER BY figure) AS reruns
    FROM published
    WHERE rerun_of IS NOT NULL
    GROUP BY ALL
)

SELECT
    published.figure,
    published.benchmark,
    published.space,
    published.dataset,
    published.metric AS published_metric,
    published.split,
    published.proxy,
    published.labels,
    published.rho AS published_rho,
    published.tau AS published_tau,
    published.n AS published_n,
    published.extent,
    published.source,
    published.address,
    published.checked,
    published.rerun_of,
    reruns.reruns,
    published.ours,
    measured.proxy_id,
    measured.seed,
    measured.metric,
    measured.n,
    measured.n_failed,
    measured.rho,
    measured.ours_interval.low,
    measured.ours_interval.high,
    CASE
        WHEN measured.ours_interval IS NULL THEN 'not run'
        WHEN NOT published.comparable OR published.rho IS NULL THEN 'not comparable'
        WHEN published.rho BETWEEN measured.ours_interval.low AND measured.ours_interval.high THEN 'reproduced'
        WHEN
            published.extent = 'sample'
            AND measured.rho BETWEEN rho_interval(published.rho, published.n).low
            AND rho_interval(published.rho, published.n).high
            THEN 'reproduced'
        WHEN measured.rho > published.rho THEN 'above'
        ELSE 'below'
    END AS status,
    published.remark
FROM published
LEFT JOIN measured ON published.figure = measured.figure
LEFT JOIN reruns ON published.figure = reruns.figure
