-- Spearman's rho of two lists of the same length, ties averaged, without the places where one has no value; NULL where
-- it is not defined. `SELECT proxy_id, seed, spearman(list(score), list(truth)) FROM pairs WHERE benchmark = ... AND
-- space = ... AND dataset = ... AND metric = ... GROUP BY ALL` takes it of each proxy and seed.
CREATE OR REPLACE MACRO spearman(xs, ys) AS
list_transform(
    [[pair FOR pair IN list_zip(xs, ys) IF pair[1] IS NOT NULL AND pair[2] IS NOT NULL]],
    LAMBDA pairs: nullif(
        list_cosine_similarity(
            centered_ranks([pair[1] FOR pair IN pairs])::DOUBLE[],
            centered_ranks([pair[2] FOR pair IN pairs])::DOUBLE[]
        ),
        'nan'
    )
)[1];
