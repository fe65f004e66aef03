"""Every table of a lake, declared once: columns, types, units, keys and what they mean.

`data/dictionary.md` is generated from this module, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

FORMAT = 1  # of the lake on disk; a change that an old reader would misread adds one


@dataclass(frozen=True)
class Column:
    """One column: `comment` says what it holds, with its unit where it has one."""

    name: str
    type: pa.DataType
    comment: str
    nullable: bool = False


def _optional(name: str, kind: pa.DataType, comment: str) -> Column:
    """A column that may be NULL."""
    return Column(name, kind, comment, nullable=True)


@dataclass(frozen=True)
class Table:
    """One table of a lake. `key` names the columns that no two rows share (NULL counts as a value)."""

    name: str
    comment: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the table's Parquet parts."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])


TEXT, INT, FLOAT, BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TIME = pa.timestamp("us", tz="UTC")

_BENCHMARK = Column("benchmark", TEXT, "benchmark, by its module's name: nasbench201")
_SPACE = Column("space", TEXT, "search space within the benchmark: topology")
_ARCH = Column("arch_id", TEXT, "identity of the canonical architecture, 16 hex digits")
_PROXY = Column("proxy_id", TEXT, "identity of the proxy's configuration, 16 hex digits")
_SCORE_SEED = _optional("seed", INT, "seed of the score; NULL where a released score does not state one")
_SCORE_COLUMNS = (_BENCHMARK, _SPACE, _ARCH, _PROXY, _SCORE_SEED)
_SCORE_KEY = tuple(column.name for column in _SCORE_COLUMNS)
_SECONDS = _optional(
    "seconds", FLOAT, "wall time of this score alone, shared passes counted in; NULL where not released"
)
_DEVICE = _optional("device", TEXT, "cpu or the card's name; NULL for a released score")
_DATASET = Column("dataset", TEXT, "data set that the architecture was trained on: cifar10-valid")
_METRIC = Column("metric", TEXT, "what was measured: test_accuracy")
_RUN = Column("run_id", TEXT, "the run that wrote the row")
_SEARCH = Column("search_id", TEXT, "identity of the search's configuration, 16 hex digits")
_TUNING = Column("tuning_id", TEXT, "identity of what was tuned, how and with which labels, 16 hex digits")

_TABLES = (
    Table(
        "runs",
        "One row per state of a run; the view keeps the last state.",
        ("run_id",),
        (
            Column("run_id", TEXT, "random, 16 hex digits"),
            Column("stage", TEXT, "ingest, score, search or tune"),
            Column("arguments", TEXT, "canonical JSON of the arguments; of a path its last component"),
            Column("started_at", TIME, "UTC"),
            _optional("finished_at", TIME, "UTC; NULL while running, or killed"),
            Column("status", TEXT, "running, finished, interrupted or failed"),
            Column("code_version", TEXT, "version of this package, with the commit when run from a checkout"),
            Column("host", TEXT, "name, processor architecture and cores"),
            Column("device", TEXT, "cpu, or the name of the CUDA device"),
            Column("packages", TEXT, "canonical JSON: versions of Python and of the packages that matter"),
            _optional(
                "environments",
                TEXT,
                "canonical JSON: processor, libraries, threads and card of each kind of worker that computed, see "
                "the view `environments`; NULL before one has begun, and in parts of earlier versions",
            ),
        ),
    ),
    Table(
        "sources",
        "One row per ingested file or folder.",
        ("source_id",),
        (
            Column("source_id", TEXT, "identity of benchmark, reader, reader version and content"),
            _BENCHMARK,
            Column("name", TEXT, "table mapping, or native for the published form"),
            Column("file_name", TEXT, "last component of the path, with its folder for a file"),
            Column("sha256", TEXT, "of the file, or of the folder's sorted names and hashes"),
            Column("bytes", INT, "size in bytes"),
            _optional("licence", TEXT, "SPDX identifier, as the publisher states it"),
            Column("reader_version", INT, "version of the reader or table mapping"),
            Column("rows", INT, "values stored (truth and scores)"),
            Column("rejected", INT, "rows rejected"),
            _RUN,
        ),
    ),
    Table(
        "rejects",
        "One row per record of a source that could not be taken.",
        ("source_id", "position"),
        (
            Column("source_id", TEXT, "the source"),
            Column("position", TEXT, "where: line, key, file or byte offset"),
            Column("reason", TEXT, "what is wrong"),
            Column("excerpt", TEXT, "the beginning of the record, at most 200 characters"),
        ),
    ),
    Table(
        "architectures",
        "One row per architecture; the view merges what several sources say of it.",
        ("benchmark", "space", "arch_id"),
        (
            _BENCHMARK,
            _SPACE,
            _ARCH,
            Column("spec", TEXT, "canonical JSON that builds the network"),
            _optional("native_id", TEXT, "the benchmark's own number or hash"),
            Column("source_id", TEXT, "the source that named it; search:ID where a search drew it and no source did"),
        ),
    ),
    Table(
        "metrics",
        "What the values of `truth` mean.",
        ("benchmark", "dataset", "metric"),
        (
            _BENCHMARK,
            _DATASET,
            _METRIC,
            Column("split", TEXT, "train, validation or test; none for a size or a time"),
            Column("unit", TEXT, "percent, count, seconds, ..."),
            _optional("higher_is_better", BOOL, "NULL where neither is"),
            _optional("priority", INT, "1 is the target that a report leads with; NULL: not ranked"),
            Column("description", TEXT, "one sentence"),
            _optional("family", TEXT, "quality, robustness, latency, ...; NULL: quality, as earlier versions"),
            _optional("condition", TEXT, "the attack and its strength, or the device; NULL where there is one"),
        ),
    ),
    Table(
        "truth",
        "One row per measured value: of an architecture, by a source, with a training length and a seed.",
        ("benchmark", "space", "arch_id", "dataset", "metric", "epochs", "seed", "epoch", "source_id"),
        (
            _BENCHMARK,
            _SPACE,
            _ARCH,
            _DATASET,
            _METRIC,
            _optional("epochs", INT, "epochs the whole training has; NULL where not stated"),
            _optional("seed", INT, "seed of the training; NULL for a mean over seeds or where not stated"),
            _optional("epoch", INT, "epoch of a learning curve, from 1; NULL for the final value"),
            _optional("value", FLOAT, "in the unit that `metrics` states; NULL unless status is ok"),
            Column("status", TEXT, "ok, diverged or failed"),
            _optional("reason", TEXT, "why there is no value"),
            Column("source_id", TEXT, "the source"),
        ),
    ),
    Table(
        "proxies",
        "One row per proxy configuration.",
        ("proxy_id",),
        (
            _PROXY,
            Column("name", TEXT, "regression-n101; a released score is NAME@SOURCE"),
            _optional(
                "kind",
                TEXT,
                "trained, zero-cost, aggregate or released; parts of earlier versions lack it, the view adds it",
            ),
            Column("configuration", TEXT, "canonical JSON: everything that changes the number, and nothing else"),
            Column("version", INT, "version of the proxy's code"),
            Column("higher_is_better", BOOL, "whether a larger score promises a better architecture"),
        ),
    ),
    Table(
        "retried",
        "One row per score that had failed and was computed again with success. The table `scores` shows it in the "
        "place of the failure, which stays in its part.",
        _SCORE_KEY,
        (
            *_SCORE_COLUMNS,
            Column("value", FLOAT, "the score"),
            _SECONDS,
            _DEVICE,
            _RUN,
        ),
    ),
    Table(
        "scores",
        "One row per score. A failure is a row with a status and a reason.",
        _SCORE_KEY,
        (
            *_SCORE_COLUMNS,
            _optional("value", FLOAT, "the score; NULL unless status is ok"),
            Column("status", TEXT, "ok, diverged, unbuildable or failed"),
            _optional("reason", TEXT, "why there is no value"),
            _SECONDS,
            _DEVICE,
            _RUN,
        ),
    ),
    Table(
        "adopted",
        "One row per score that a search stored and that a sample or a list asked for, too. Scores of what a "
        "search chose by its score say nothing of how a proxy ranks at large; these do.",
        _SCORE_KEY,
        _SCORE_COLUMNS,
    ),
    Table(
        "searches",
        "One row per search: everything that its steps depend on, beside its seed and the scores.",
        ("search_id",),
        (
            _SEARCH,
            _BENCHMARK,
            _SPACE,
            Column("method", TEXT, "evolution or random"),
            _PROXY,
            _optional("score_seed", INT, "seed of the scores; NULL for released ones that state none"),
            Column("configuration", TEXT, "canonical JSON of all of this, with the numbers of the method"),
        ),
    ),
    Table(
        "trajectories",
        "One row per step of a search and seed: an architecture that was tried.",
        ("search_id", "seed", "step"),
        (
            _SEARCH,
            Column("seed", INT, "seed of the search"),
            Column("step", INT, "from 1"),
            _ARCH,
            _optional("parent", TEXT, "arch_id that it was mutated from; NULL for a random one"),
            _optional("value", FLOAT, "its score as stored; NULL where it failed"),
            Column("scored", INT, "distinct architectures up to this step"),
            _optional(
                "seconds",
                FLOAT,
                "what their scores cost in all, as if none had been stored before; NULL where not released",
            ),
            _RUN,
        ),
    ),
    Table(
        "tunings",
        "One row per proxy made by tuning.",
        ("tuning_id", "proxy_id"),
        (
            _TUNING,
            _BENCHMARK,
            _SPACE,
            _DATASET,
            _METRIC,
            Column("method", TEXT, "evolution, or a way to weigh stored terms"),
            Column("name", TEXT, "its name for `score --proxy`"),
            _PROXY,
            Column("configuration", TEXT, "canonical JSON of everything that decides the result"),
            Column("seed", INT, "of the sample that the labels begin, and of the search"),
            Column("labels", pa.list_(pa.string()), "arch_id of each architecture whose true value was used"),
            Column("trainings", INT, "trainings that the search took; 0 where stored ones were weighed"),
            Column("fitness", FLOAT, "Spearman's rho on the labels themselves"),
            Column("rule", TEXT, "TOML that makes the proxy"),
            _RUN,
        ),
    ),
    Table(
        "tuning_tasks",
        "One row per task that an evolution tried.",
        ("tuning_id", "step"),
        (
            _TUNING,
            Column("step", INT, "from 0"),
            _optional("parent", INT, "step of the task it was mutated from; NULL in the first population"),
            Column("genes", TEXT, "canonical JSON of the task"),
            Column("fitness", FLOAT, "Spearman's rho on the labels used"),
            Column("used", INT, "labels it was tried on; fewer than all where it was given up"),
            _RUN,
        ),
    ),
    Table(
        "tuning_trials",
        "One row per training of a task that an evolution tried.",
        ("tuning_id", "step", "arch_id"),
        (
            _TUNING,
            Column("step", INT, "the task"),
            _ARCH,
            _optional("value", FLOAT, "the loss; NULL unless status is ok"),
            Column("status", TEXT, "ok, diverged, unbuildable or failed"),
            _optional("reason", TEXT, "why there is no value"),
            Column("seconds", FLOAT, "wall time of the training"),
            _RUN,
        ),
    ),
    Table(
        "tuning_draws",
        "One row per way to use labels, draw of the labels and space that rho was taken in, without the labelled.",
        ("evaluation_id", "to_benchmark", "to_space", "terms", "method", "draw"),
        (
            Column("evaluation_id", TEXT, "identity of the terms, architectures and labels, 16 hex digits"),
            _BENCHMARK,
            Column("space", TEXT, "search space of the labels"),
            Column("to_benchmark", TEXT, "benchmark that rho was taken on"),
            Column("to_space", TEXT, "its search space"),
            _DATASET,
            _METRIC,
            Column("terms", TEXT, "curves, scores or all of what is stored; or one proxy"),
            Column("method", TEXT, "way to weigh them; alone: one proxy as it is"),
            Column("labels", INT, "labels used; 0 where none are"),
            Column("draw", INT, "seed of the sample whose beginning the labels are"),
            Column("n", INT, "architectures that rho was taken of, none of them labelled"),
            Column("rho", FLOAT, "Spearman's rho"),
            _RUN,
        ),
    ),
    Table(
        "curves",
        "One row per network stage, signal and mode of a score: the loss against iterations.",
        (*_SCORE_KEY, "stage", "signal", "mode"),
        (
            *_SCORE_COLUMNS,
            Column("stage", INT, "stage of the network, counted from 0"),
            Column("signal", TEXT, "sum of all signals, or the name of one"),
            Column("mode", TEXT, "train: batch statistics; eval: running statistics"),
            Column("iterations", pa.list_(pa.int32()), "iteration of each loss, from 1"),
            Column("losses", pa.list_(pa.float32()), "mean squared error, unweighted; as long as iterations"),
        ),
    ),
)
TABLES = {table.name: table for table in _TABLES}
