"""Read files of others: tables, JSON, pickles, TFRecord, TOML. Nothing here knows a benchmark.

- Tables: `tables` is the way in. By a `TableForm` it reads CSV, and has `nested_tables` (JSON, pickles, torch files),
  `arrow_tables` (Parquet, Arrow), `sqlite_files` and `numpy_files` read the others; `cells_of_entries` makes the cells
  of a row. In the place of a row that cannot be read comes an `Unreadable`.
- Values: `json_arrays` and `json_objects`; `pickles` and `torch_files`, after `pickle_costs` has bounded what loading
  takes; `tfrecord`; `numbers`.
- Files: `opening` refuses devices and pipes, `packed` and `zips` unpack, `text_files` reads texts. `signatures` says
  what a file is where another form is expected.
- Settings: `toml_files` and `field_rules`.
"""
