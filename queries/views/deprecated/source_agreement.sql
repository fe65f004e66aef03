-- Deprecated: the former name of `truth_agreement`, kept for one release.
FROM truth_agreement
