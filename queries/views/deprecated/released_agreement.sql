-- Deprecated: the former name of `released_score_agreement`, kept for one release.
FROM released_score_agreement
