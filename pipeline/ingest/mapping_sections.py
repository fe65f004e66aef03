"""The sections of a table mapping: whose the table is, how its file holds it, and what its columns are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.benchmarks.contract import QUALITY, Metric
from pipeline.formats import tables
from pipeline.formats.table_form import ANY, ContainerKind, Layout, Rows, TableForm
from pipeline.formats.toml_files import NAME_LENGTH, ReleasedName, StrictModel

Unit = Literal[
    "percent", "fraction", "count", "seconds", "milliseconds", "millijoules", "ratio", "nats", "perplexity", "none"
]
MetricText = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"^\S([^\x00-\x1f]*\S)?$")]
"""The name of a data set, a metric, a family or a condition."""


def _of_a_cell(value: object) -> object:
    """Refuse what no cell holds in one line, and not in one for each type that is taken."""
    if not isinstance(value, str | bool | int | float):
        raise ValueError("a text, a number or a truth value is expected")
    return value


Conditions = dict[str, Annotated[str | bool | int | float, BeforeValidator(_of_a_cell)]]


def is_pattern(text: str) -> bool:
    """Whether a path may match the text."""
    return bool(PurePath(text).parts)


class Publisher(StrictModel):
    """The publisher of the table, and its address.

    Args:
        project: the project or person.
        where: an address.
    """

    project: str
    where: str


class Download(StrictModel):
    """How the file is had: where a program downloads it, or what a person does.

    Args:
        address: of the file itself, http or https.
        bytes: its exact size, where it is known.
        sha256: its SHA-256, where it is published.
        steps: in place of an address, what a person does to get the file.
    """

    address: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    bytes: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    steps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Download:
        if bool(self.address) == bool(self.steps):
            raise ValueError("either 'address' or 'steps'")
        return self


class Container(StrictModel):
    """How the file holds its rows.

    Args:
        kind: of file; a TSV is a csv with another delimiter, jsonl has a JSON value in each line, torch is what
            torch.save wrote of plain objects, arrow is a Feather file, too, and numpy an .npy or .npz file. Packed
            files (.gz, .bz2, .xz, .zst, .zip of one file) are unpacked. Of a folder, the files in it are read one after
            another; the cell "@file" is the name of the file without its ending, "@folder" the folder in it.
        delimiter: of a csv, between its cells; " " stands for any number of blanks.
        skip: of a csv, lines before its header that are left out.
        comment: of a csv, what other lines that are left out begin with: "#".
        header: of a csv, lines that together name its columns, as in "cifar10.test" of two.
        decimal: what stands before the decimals of a number: "," in 93,12; a list in a cell is then [93,12 94,10] or
            [93,12; 94,10].
        thousands: what stands between the thousands of a number: "," in 1,234,567.
        table: of sqlite, the name of the table, where there are several.
        root: of json, pickle and torch, what leads from the top to the table: keys, or the numbers of a list's items
            from 0. Several pickles one after another in a file are a list. "*" leads to each entry at once, as in
            { data set: { architecture: ... } }: the cell "@1" is the key that the first "*" stands for, and "@1.NAME"
            a field beside what the root leads to. Of other kinds, ["*", COLUMN] leads to the records in the lists of a
            column.
        nested: columns whose text is JSON, or a literal of Python: their fields are cells "COLUMN.FIELD".
        layout: of json, pickle and torch: `rows` where each entry of the table is a row; `columns` where each entry is
            a column, a list or a mapping from the row's key to its cell, as pandas writes tables; `row` where the
            table is one row, as in a folder with one file per architecture.
        columns: names of the cells where the table has none: of a csv without a header line, of rows that are lists.
        members: of a folder, which files are read.
        classes: of a pickle, the classes ("package.module.Class") whose objects it holds; they are read as mappings.
    """

    kind: ContainerKind
    delimiter: str = Field(",", min_length=1, max_length=1)
    skip: int = Field(0, ge=0)
    comment: str = ""
    header: int = Field(1, ge=1, le=9)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    table: str = ""
    root: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    layout: Layout = "rows"
    columns: tuple[str, ...] = ()
    members: str = Field("*", min_length=1)
    classes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fitting(self) -> Container:
        nested = self.kind in ("json", "pickle", "torch")
        of_records = len(self.root) == 2 and self.root[0] == ANY and self.kind != "numpy"
        for name in ("layout",) if of_records else ("root", "layout"):
            if name in self.model_fields_set and not nested:
                raise ValueError(f"'{name}' is for json, pickle and torch, not for {self.kind}")
        for name, kind in (("skip", "csv"), ("comment", "csv"), ("header", "csv"), ("table", "sqlite")):
            if name in self.model_fields_set and self.kind != kind:
                raise ValueError(f"'{name}' is for {kind}, not for {self.kind}")
        if self.columns and self.kind in ("parquet", "arrow", "sqlite"):
            raise ValueError(f"'columns' is not for {self.kind}, which names its columns")
        if self.columns and "header" in self.model_fields_set:
            raise ValueError("either 'columns' or 'header': the lines before the rows are left out with 'skip'")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("'thousands' and 'decimal' are the same")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("'columns' has a name twice")
        if self.delimiter in '"\r\n\0':
            raise ValueError("'delimiter' is a character that ends or quotes a cell")
        if not is_pattern(self.members):
            raise ValueError("'members' is no name of a file, with or without wildcards")
        return self

    def rows(self, path: Path, objects: Sequence[str] = (), others: Sequence[Path] = ()) -> Rows:
        """The rows of a file, or of the files in a folder; errors as in `tables.rows`.

        Args:
            path: the file or folder.
            objects: columns that are cells also where they have fields.
            others: files in the folder that are no part of the table.
        """
        form = TableForm(**self.model_dump(exclude={"decimal", "thousands"}), objects=objects)
        return tables.rows_of_folder(path, form, others) if path.is_dir() else tables.rows(path, form)


class ExtractedCells(StrictModel):
    """Cells that are parts of another's text.

    Args:
        column: the cell with the text: a column, "@file", ...
        pattern: a regular expression of Python's that the whole text matches; each group with a name, as in
            `(?P<seed>[0-9]+)`, is a cell of that name.
    """

    column: str
    pattern: str

    @model_validator(mode="after")
    def _named(self) -> ExtractedCells:
        try:
            groups = re.compile(self.pattern).groupindex
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"'pattern' is no regular expression: {error}") from error
        if not groups:
            raise ValueError("'pattern' has no group with a name: (?P<seed>[0-9]+)")
        return self


class DeclaredMetric(StrictModel):
    """A metric that the benchmark does not declare itself.

    Args:
        dataset: its data set, which may be one that the benchmark does not know.
        metric: its name.
        unit: of its values as they are stored.
        higher_is_better: its direction; without it, proxies are not ranked against it.
        split: of the data set: train, validation or test.
        description: one sentence.
        family: what it is a property of: quality, robustness, latency, energy, ... A report ranks within a family.
        condition: under which circumstances, where there are several: a device, an attack.
        classes: of the data set, what guessing the accuracy is computed from.
    """

    dataset: MetricText
    metric: MetricText
    unit: Unit
    higher_is_better: bool | None = None
    split: Literal["train", "validation", "test", "none"] = "test"
    description: str = ""
    family: MetricText = QUALITY
    condition: MetricText | None = None
    classes: int | None = Field(None, ge=2)

    def declared(self, priority: int) -> Metric:
        """The metric; `priority` is its place among the targets."""
        return Metric(
            self.dataset, self.metric, self.split, self.unit, self.higher_is_better,
            None if self.higher_is_better is None else priority, self.description, self.family, self.condition,
        )  # fmt: skip


class ArchitectureColumns(StrictModel):
    """How a row names its architecture.

    Args:
        column: the cell that holds it: a column, "@key" or "@value"; also one that has fields. Not for `fields`.
        encoding: `string` (the benchmark's own notation), `codes` (a list of codes, or its Python literal as text),
            `fields` (one column per part) or `index` (the benchmark's own number, of which the lake must know the
            architecture already).
        positions: for `codes`, the part that each code stands for, in order: ["0-1", "0-2", ...].
        codes: for `codes`, and where needed for `fields`, what a code means: {"0" = "skip_connect", ...}; what it
            means for one part alone stands under "PART=CODE".
        fields: for `fields`, the column of each part.
        optional: for `fields`, true where rows lack the columns of parts that their architectures do not have.
    """

    column: str = ""
    encoding: Literal["string", "codes", "fields", "index"]
    positions: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)
    optional: bool = False

    @model_validator(mode="after")
    def _complete(self) -> ArchitectureColumns:
        for name, wanted in (
            ("column", self.encoding != "fields"),
            ("positions", self.encoding == "codes"),
            ("codes", self.encoding == "codes"),
            ("fields", self.encoding == "fields"),
        ):
            optional = (name, self.encoding) == ("codes", "fields")
            if bool(getattr(self, name)) != wanted and not optional:
                raise ValueError(f"encoding '{self.encoding}' {'needs' if wanted else 'does not take'} '{name}'")
        if self.optional and self.encoding != "fields":
            raise ValueError(f"encoding '{self.encoding}' does not take 'optional'")
        return self

    @property
    def objects(self) -> tuple[str, ...]:
        """The column that may hold an object."""
        return (self.column,) if self.encoding == "string" else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is read from."""
        return tuple(self.fields.values()) or (self.column,)


class TruthColumn(StrictModel):
    """A column of measured values.

    Args:
        column: the column.
        dataset: data set of the benchmark or of a `[[metric]]`.
        metric: metric of the benchmark or of a `[[metric]]`; the value is converted to its unit.
        unit: of the column, once it is multiplied with `scale`.
        scale: for columns in thousands or millions.
        complement: true where the column is the error: what it lacks to 100 percent, or to 1, is stored.
        where: only rows with these values in other columns are read: {"dataset" = "cifar10", "lr" = 0.1}; for tables
            with one row per data set or epoch.
        optional: true where rows may lack the cell, or have it empty: nothing is stored of them then. By default a row
            without the cell is bad, and an empty cell a failure.
        epochs: epochs of the whole training, where stated.
        seed: seed of the training, where stated.
        seed_column: the column with the seed, for tables with a row for each training; with `each` of seed, the column
            with the list of seeds.
        each: "seed" where the cell is a list with one value per seed. Unless `seed_column` names a list of the seeds,
            the one stored is the position in the list, from 1; missing seeds stay missing, as the second of
            [91.2, , 90.5]. "epoch" where it is a list with one value per epoch: the last is stored, and with --curves
            all of them.
    """

    column: str
    dataset: str
    metric: str
    unit: Unit
    scale: float = Field(1.0, gt=0, allow_inf_nan=False)
    complement: bool = False
    where: Conditions = Field(default_factory=dict)
    optional: bool = False
    epochs: int | None = Field(None, ge=1)
    seed: int | None = None
    seed_column: str | None = None
    each: Literal["seed", "epoch"] | None = None

    @model_validator(mode="after")
    def _fitting(self) -> TruthColumn:
        if self.seed is not None and (self.seed_column is not None or self.each == "seed"):
            raise ValueError("either 'seed' or 'each' of seed or 'seed_column', not both")
        if self.complement and self.unit not in ("percent", "fraction"):
            raise ValueError("'complement' is for columns in percent or fraction")
        return self


class ScoreColumn(StrictModel):
    """A column of released scores.

    Args:
        column: the column.
        proxy: name of the proxy; the scores are stored as PROXY@SOURCE.
        higher_is_better: whether a higher score promises a better architecture.
        seconds: the column of what each took, where there is one.
        where: only rows with these values in other columns are read, as for a `[[truth]]`.
        optional: true where rows may lack the cell, as in a `[[truth]]`.
    """

    column: str
    proxy: ReleasedName
    higher_is_better: bool
    seconds: str | None = None
    where: Conditions = Field(default_factory=dict)
    optional: bool = False
