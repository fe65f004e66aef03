-- Deprecated: the former name of `target_values`, kept for one release.
FROM target_values
