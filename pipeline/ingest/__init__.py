"""The ingest stage: published files and mapped tables become parts of the lake.

`pipeline ingest`: `run` is the stage. `source` finds out what is at a path, and who reads it: the benchmark itself, or
`mapped_table` by a table mapping. Both yield batches of `benchmarks.source_rows.SourceRows`. `part` collects these,
has `value_checks` look for odd values, and writes one part of the lake.

A table mapping: `mapping` is the TOML file, `mapping_sections` has its sections. Of a file that a mapping describes

1. `formats.tables` yields the rows as cells, the value of each column by its name;
2. `extracted_cells` and `joined_tables` add cells;
3. `mapped_table` turns each row into an architecture (`notation`) and values (`mapped_columns`); both read `cells`.

`pipeline mapping init`: `mapping_draft` writes what `guessing` guesses. `pipeline mapping check`: `mapping_check` goes
through the fields (`mapping_content`) and then through the rows. `published` lists what can be ingested, for
`pipeline sources` and `fetch`. `surrogates` recognises predictions, which are never ground truth.
"""
