-- One row per rank correlation that others published, to stand beside ours; add a line to published.csv for one more.
-- `figure` names the row and `address` is where it stands: a page, or a document of this repository. `checked` says how
-- it was compared with its address: `abstract` (read in the abstract), `scores` (computed from the scores or accuracies
-- released there), `measured` (in that document), `address` (the address was found, the figure was not read there) or
-- `no`. `extent` is whether n architectures are the whole space or a sample. `labels` counts the true values that the
-- method was given. `rerun_of` is the figure that others ran again. `proxy` is as the source calls it, `ours` the name
-- of the same here (NULL: nothing here is the same). `comparable` is false where `remark` says why not. What a source
-- does not say is NULL. A source that begins with "scores" released scores and no correlation: rho is that of its
-- scores.
SELECT
    figure,
    source,
    address,
    checked,
    benchmark,
    space,
    dataset,
    metric,
    split,
    n,
    extent,
    labels,
    proxy,
    rho,
    tau,
    rerun_of,
    ours,
    comparable,
    remark
FROM
    read_csv(
        'queries/seeds/published.csv',
        hive_partitioning = FALSE,
        header = TRUE,
        delim = ',',
        quote = '"',
        escape = '"',
        columns = {
            'figure': 'VARCHAR',
            'source': 'VARCHAR',
            'address': 'VARCHAR',
            'checked': 'VARCHAR',
            'benchmark': 'VARCHAR',
            'space': 'VARCHAR',
            'dataset': 'VARCHAR',
            'metric': 'VARCHAR',
            'split': 'VARCHAR',
            'n': 'BIGINT',
            'extent': 'VARCHAR',
            'labels': 'BIGINT',
            'proxy': 'VARCHAR',
            'rho': 'DOUBLE',
            'tau': 'DOUBLE',
            'rerun_of': 'VARCHAR',
            'ours': 'VARCHAR',
            'comparable': 'BOOLEAN',
            'remark': 'VARCHAR'
        }
    )
