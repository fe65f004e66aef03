-- Deprecated: the former name of `comparison_scores`, kept for one release.
FROM comparison_scores
