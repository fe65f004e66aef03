"""Read the containers in which others publish: CSV, JSON, pickles, TFRecord. Nothing here knows a benchmark."""
