"""Containers in which others publish: CSV, JSON, pickles, TFRecord, TOML. Nothing here knows a benchmark."""
