"""The ingest stage: published files and mapped tables become parts of the lake."""
