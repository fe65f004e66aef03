"""Tables of others by recipe: a TOML file says what the columns of a table mean, so that no code is needed to take it.

A recipe names the container (`pipeline.formats.tables`), how an architecture is written in it, and which columns are
ground truth and which are scores that others released. CONTRIBUTING tells how to write one.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import UserError, unknown
from pipeline.formats.tables import Kind

FOLDER = Path(__file__).parents[1] / "benchmarks"
TOLD_ONLY = {"description", "publisher", "licence", "files", "distribution", "file"}
"""Fields that do not change what is read."""

Unit = Literal["percent", "fraction", "count", "seconds", "nats"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Publisher(_Strict):
    """Who released the table, and where it is to be had."""

    project: str
    where: str


class Container(_Strict):
    """How the file holds its rows; see `pipeline.formats.tables.rows`."""

    kind: Kind
    delimiter: str = Field(",", min_length=1, max_length=1)
    root: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Architecture(_Strict):
    """How a row names its architecture.

    Args:
        column: the cell that holds it: a column, "@key" or "@value". Not for `fields`.
        encoding: `string` (the benchmark's own notation), `codes` (a list of codes, or its Python literal as text),
            `fields` (one column a part) or `index` (the benchmark's own number, of which the lake must know the
            architecture already).
        positions: for `codes`, the part that each code stands for, in order: ["0-1", "0-2", ...].
        codes: for `codes`, what a code means: {"0" = "skip_connect", ...}; what it means for one part alone is told
            under "PART=CODE".
        fields: for `fields`, the column of each part.
    """

    column: str = ""
    encoding: Literal["string", "codes", "fields", "index"]
    positions: tuple[str, ...] = ()
    codes: dict[str, str] = {}
    fields: dict[str, str] = {}

    @model_validator(mode="after")
    def _complete(self) -> Architecture:
        for name, wanted in (
            ("column", self.encoding != "fields"),
            ("positions", self.encoding == "codes"),
            ("codes", self.encoding == "codes"),
            ("fields", self.encoding == "fields"),
        ):
            if bool(getattr(self, name)) != wanted:
                raise ValueError(f"encoding '{self.encoding}' {'needs' if wanted else 'does not take'} '{name}'")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is read from."""
        return tuple(self.fields.values()) or (self.column,)


class Truth(_Strict):
    """A column of measured values.

    Args:
        column: the column.
        dataset: data set of the benchmark.
        metric: metric of the benchmark; the value is converted to its unit.
        unit: of the column, once it is multiplied with `scale`.
        scale: for columns in thousands or millions.
        epochs: epochs of the whole training, where stated.
        seed: seed of the training, where stated.
        each: "seed" where the cell is a list with one value a seed. Such lists do not say which seeds they hold, so
            the seed stored is the position in the list, from 1; missing seeds stay missing.
    """

    column: str
    dataset: str
    metric: str
    unit: Unit
    scale: float = 1.0
    epochs: int | None = Field(None, ge=1)
    seed: int | None = None
    each: Literal["seed"] | None = None

    @model_validator(mode="after")
    def _one_seed(self) -> Truth:
        if self.each and self.seed is not None:
            raise ValueError("either 'seed' or 'each', not both")
        return self


class Score(_Strict):
    """A column of released scores; `seconds` is the column of what each took, where there is one."""

    column: str
    proxy: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    higher_is_better: bool
    seconds: str | None = None


class Recipe(_Strict):
    """One table of somebody's, described.

    Args:
        name: as --recipe takes it.
        source: what follows the @ in the names of its scores, shared by the files of one release; default: `name`.
        benchmark: benchmark that the architectures are of.
        space: its search space; default: the benchmark's first.
        version: raise it when the same file would give other rows.
        description: what the table holds, in a sentence.
        publisher: whose it is.
        licence: SPDX identifier, as the publisher states it.
        files: the ends of paths that this recipe is taken for when none is named.
        distribution: the installed Python distribution that carries the file, where one does.
        file: the file within the distribution.
        missing: numbers that stand for a failure in this table.
        native_id: the column with the benchmark's own number of the architecture.
        repeated: "mean" where several rows measure one architecture, of which the mean is kept; by default rows that
            contradict one another are bad.
        check: a second notation in the same row, which must name the same architecture.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    source: str = ""
    benchmark: str
    space: str | None = None
    version: int = Field(1, ge=1)
    description: str
    publisher: Publisher
    licence: str | None = None
    files: tuple[str, ...] = ()
    distribution: str | None = None
    file: str | None = None
    missing: tuple[float, ...] = ()
    container: Container
    architecture: Architecture
    native_id: str | None = None
    repeated: Literal["mean"] | None = None
    check: Architecture | None = None
    truth: tuple[Truth, ...] = ()
    score: tuple[Score, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Recipe:
        if (self.distribution is None) != (self.file is None):
            raise ValueError("'distribution' and 'file' go together")
        measured = [(t.dataset, t.metric, t.epochs, t.seed) for t in self.truth]
        if len(set(measured)) < len(measured) or len({s.proxy for s in self.score}) < len(self.score):
            raise ValueError("two columns for the same value")
        if self.repeated and any(t.each for t in self.truth):
            raise ValueError("'repeated' and 'each' exclude each other: seeds are either rows or a list in a cell")
        return self

    @property
    def label(self) -> str:
        """What follows the @ in the names of its scores."""
        return self.source or self.name

    @property
    def columns(self) -> set[str]:
        """Every column that it reads."""
        notations = [self.architecture, *([self.check] if self.check else [])]
        optional = [self.native_id, *(s.seconds for s in self.score)]
        return {
            *(c for n in notations for c in n.columns),
            *(c for c in optional if c),
            *(t.column for t in self.truth),
            *(s.column for s in self.score),
        }

    def names_file(self, path: Path) -> bool:
        """Whether the path ends like one of its files."""
        return any(path.absolute().match(pattern) for pattern in self.files)


def load(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        UserError: it cannot be read, is not TOML, or breaks a rule; the message names file, field and rule.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"recipe {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        raise UserError(f"recipe {path}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    first = problems[0]
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "no such field"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{field}: {message}{more}" if field else f"{message}{more}"


def shelf(benchmark: str | None = None) -> list[Recipe]:
    """The recipes that are shipped, of one benchmark or of all, by name."""
    found = [load(path) for path in sorted(FOLDER.glob(f"{benchmark or '*'}/mappings/*.toml"))]
    return sorted(found, key=lambda r: (r.benchmark, r.name))


def find(benchmark: str, name: str) -> Recipe:
    """The recipe that --recipe names: one on the shelf, or a TOML file.

    Raises:
        UserError: there is none of that name (the message suggests the nearest), or it is another benchmark's.
    """
    if name.endswith(".toml"):
        recipe = load(Path(name))
        if recipe.benchmark != benchmark:
            raise UserError(f"recipe {name} is for {recipe.benchmark}, not for {benchmark}")
        return recipe
    on_shelf = {recipe.name: recipe for recipe in shelf(benchmark)}
    if name not in on_shelf:
        raise unknown(f"recipe of {benchmark}", name, on_shelf)
    return on_shelf[name]


def for_file(recipes: Sequence[Recipe], path: Path) -> Recipe | None:
    """The one of these recipes whose file names fit the path, or None.

    Raises:
        UserError: several fit.
    """
    fitting = [recipe for recipe in recipes if recipe.names_file(path)]
    if len(fitting) > 1:
        raise UserError(f"{path} fits the recipes {', '.join(r.name for r in fitting)}: name one with --recipe")
    return fitting[0] if fitting else None


def installed_file(recipe: Recipe) -> Path:
    """The file of a recipe whose table comes with an installed Python distribution, found without importing it.

    Raises:
        UserError: the recipe names no distribution, or it is not installed, or it does not carry the file.
    """
    if recipe.distribution is None or recipe.file is None:
        raise UserError(f"the recipe {recipe.name} needs the path of its file ({recipe.publisher.where})")
    try:
        distribution = importlib.metadata.distribution(recipe.distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(f"the package {recipe.distribution} is not installed: {recipe.publisher.where}") from error
    carried = {str(f): f for f in distribution.files or ()}
    if recipe.file not in carried:
        raise UserError(f"{recipe.distribution} {distribution.version} carries no {recipe.file}: another version does")
    return Path(str(carried[recipe.file].locate()))
