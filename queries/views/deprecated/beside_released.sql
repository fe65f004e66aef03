-- Deprecated: the former name of `released_score_pairs`, kept for one release.
FROM released_score_pairs
