-- One row per correlation that a paper or repository states, to stand beside ours; add a line to published.csv for one
-- more. `proxy` is as the source calls it, `ours` the name of the same here (NULL: nothing here is the same); `metric`
-- or `n` is NULL where the source does not say. A source that begins with "scores" released scores and no correlation:
-- rho is that of its scores.
SELECT
    source,
    benchmark,
    space,
    dataset,
    metric,
    proxy,
    ours,
    rho,
    tau,
    n
FROM
    read_csv(
        'queries/seeds/published.csv',
        header = TRUE,
        columns = {
            'source': 'VARCHAR',
            'benchmark': 'VARCHAR',
            'space': 'VARCHAR',
            'dataset': 'VARCHAR',
            'metric': 'VARCHAR',
            'proxy': 'VARCHAR',
            'ours': 'VARCHAR',
            'rho': 'DOUBLE',
            'tau': 'DOUBLE',
            'n': 'BIGINT'
        }
    )
