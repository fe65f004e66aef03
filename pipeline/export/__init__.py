"""A lake as files that others read without this package: one Parquet file per table, with a dataset card."""
