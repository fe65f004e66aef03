"""The sections of a table mapping: whose the table is, how its file holds it, and what its columns are."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.formats import tables
from pipeline.formats.tables import ContainerKind, Layout, Rows, TableForm
from pipeline.formats.toml_files import ReleasedName, StrictModel

Unit = Literal["percent", "fraction", "count", "seconds", "milliseconds", "millijoules", "ratio", "nats", "perplexity"]


def is_pattern(text: str) -> bool:
    """Whether a path may match the text."""
    return bool(PurePath(text).parts)


class Publisher(StrictModel):
    """Who released the table, and where it is to be had.

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
            torch.save wrote of plain objects. Packed files (.gz, .bz2, .xz) are unpacked. Of a folder, the files in it
            are read one after another; the cell "@file" is the name of the file without its ending.
        delimiter: of a csv, between its cells.
        decimal: what stands before the decimals of a number: "," in 93,12.
        root: of json, pickle and torch, what leads from the top to the table: keys, or the numbers of a list's items
            from 0. Several pickles one after another in a file are a list.
        layout: of json, pickle and torch: `rows` where each entry of the table is a row; `columns` where each entry is
            a column, a list or a mapping from the row's key to its cell, as pandas writes tables; `row` where the
            table is one row, as in a folder with one file per architecture.
        columns: names of the cells where the table has none: of a csv without a header line, of rows that are lists.
        members: of a folder, which files are read.
        classes: of a pickle, the classes ("package.module.Class") whose objects it holds; they are read as mappings.
    """

    kind: ContainerKind
    delimiter: str = Field(",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    root: tuple[str, ...] = ()
    layout: Layout = "rows"
    columns: tuple[str, ...] = ()
    members: str = Field("*", min_length=1)
    classes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fitting(self) -> Container:
        nested = self.kind in ("json", "pickle", "torch")
        for name in ("root", "layout"):
            if name in self.model_fields_set and not nested:
                raise ValueError(f"'{name}' is for json, pickle and torch, not for {self.kind}")
        if self.columns and self.kind == "parquet":
            raise ValueError("'columns' is not for parquet, which names its columns")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("'columns' has a name twice")
        if self.delimiter in '"\r\n\0':
            raise ValueError("'delimiter' is a character that ends or quotes a cell")
        if not is_pattern(self.members):
            raise ValueError("'members' is no name of a file, with or without wildcards")
        return self

    def rows(self, path: Path) -> Rows:
        """The rows of a file, or of the files in a folder; errors as of `tables.rows_of`."""
        form = TableForm(**self.model_dump(exclude={"decimal"}))
        return tables.rows_of_folder(path, form) if path.is_dir() else tables.rows_of(path, form)


class ArchitectureColumns(StrictModel):
    """How a row names its architecture.

    Args:
        column: the cell that holds it: a column, "@key" or "@value". Not for `fields`.
        encoding: `string` (the benchmark's own notation), `codes` (a list of codes, or its Python literal as text),
            `fields` (one column per part) or `index` (the benchmark's own number, of which the lake must know the
            architecture already).
        positions: for `codes`, the part that each code stands for, in order: ["0-1", "0-2", ...].
        codes: for `codes`, and where needed for `fields`, what a code means: {"0" = "skip_connect", ...}; what it
            means for one part alone stands under "PART=CODE".
        fields: for `fields`, the column of each part.
    """

    column: str = ""
    encoding: Literal["string", "codes", "fields", "index"]
    positions: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)

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
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is read from."""
        return tuple(self.fields.values()) or (self.column,)


class TruthColumn(StrictModel):
    """A column of measured values.

    Args:
        column: the column.
        dataset: data set of the benchmark.
        metric: metric of the benchmark; the value is converted to its unit.
        unit: of the column, once it is multiplied with `scale`.
        scale: for columns in thousands or millions.
        complement: true where the column is the error: what it lacks to 100 percent, or to 1, is stored.
        where: the rows that count, by what other columns hold: {"dataset" = "cifar10"}; for tables with a row for each
            data set or epoch.
        epochs: epochs of the whole training, where stated.
        seed: seed of the training, where stated.
        seed_column: the column with the seed, for tables with a row for each training.
        each: "seed" where the cell is a list with one value per seed. Such lists do not say which seeds they hold, so
            the seed stored is the position in the list, from 1; missing seeds stay missing. "epoch" where it is a list
            with one value per epoch: the last is stored, and with --curves all of them.
    """

    column: str
    dataset: str
    metric: str
    unit: Unit
    scale: float = Field(1.0, gt=0, allow_inf_nan=False)
    complement: bool = False
    where: dict[str, str | int] = Field(default_factory=dict)
    epochs: int | None = Field(None, ge=1)
    seed: int | None = None
    seed_column: str | None = None
    each: Literal["seed", "epoch"] | None = None

    @model_validator(mode="after")
    def _fitting(self) -> TruthColumn:
        seeds = [self.seed is not None, self.seed_column is not None, self.each == "seed"]
        if sum(seeds) > 1:
            raise ValueError("either 'seed' or 'each' of seed or 'seed_column', not several")
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
        where: the rows that count, as of a `[[truth]]`.
    """

    column: str
    proxy: ReleasedName
    higher_is_better: bool
    seconds: str | None = None
    where: dict[str, str | int] = Field(default_factory=dict)
