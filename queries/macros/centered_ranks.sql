-- For each value of a list twice the distance of its average rank from the mean rank: its place among the values in
-- ascending order less its place in descending order, equal values in the order of the list in both.
CREATE OR REPLACE MACRO centered_ranks(xs) AS
[
    places[1] - places[2]
    FOR places IN list_zip(
        list_grade_up(list_grade_up(list_zip(xs, range(len(xs))))),
        list_grade_up(list_grade_up(list_zip(xs, range(0, -len(xs), -1)), 'DESC'))
    )
];
