"""Export a lake as files that can be read without this package: a Parquet file per table, and a dataset card."""
