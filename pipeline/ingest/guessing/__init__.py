"""Guess what the columns of a table mean, for `pipeline mapping init`. Nothing here is used by `pipeline ingest`.

`mapping_draft` calls these steps in this order, and writes what they return as TOML:

1. `source_samples` yields the tables that a file or folder may hold, the likeliest first. Each is a `TableSample`: how
   the file holds the table, and its first rows. `table_sample` reads one file; `header_lines` helps it with a CSV.
2. `architectures` returns an `ArchitectureGuess`: the columns that name the architectures, of which benchmark.
3. `values` returns `ValueGuesses` (`guesses`): a `TruthGuess` or `ScoreGuess` for each column that is taken, and for
   each other column the reason why it is not.
4. `repeated_rows` tells whether several rows are of one architecture, and which columns tell them apart.

Within step 3:

- `long_tables` turns a table with a row for each metric into one with a column for each metric.
- `counted_rows` finds the columns that say which rows to read: of which data set, seed or epoch a row is.
- `table_place` reads the names of the folder, the file and the keys that lead to the table.
- Then, for each column, `column_words` takes its name apart, `metrics` finds the metric of these words, and `units` the
  unit.
- `numbered_columns` at last compares columns whose names differ by a number: each is of a seed, or of an epoch.
"""
