"""The record on disk. `store` says which files a lake has, and its `Lake` is the way in.

- What is stored: `schema` declares the tables, `part_name` the names of parts, `marker` the format of a lake.
- Writing: `part_writer` and `staging` publish parts, and `checksums` lists them. `files` is the one module that
  deletes, replaces and renames. `outputs` writes the files that a user names, which are never in a lake.
- Reading: `parquet_files` and `stored_json` read what is stored, `score_index` knows which scores are, and `verify`
  finds what has changed.
- Beside the parts: `locations` of the files that were read, and `last_check`, the last examination by `doctor`.
- Exported folders: `table_folder`, of which `table_lake` makes a lake to merge.
"""
