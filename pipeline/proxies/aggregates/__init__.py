"""Aggregates: proxies that are sums of what is stored, which the view `aggregate_scores` computes.

An aggregate is a row of `proxies` of the kind aggregate. Nothing is scored for it: wherever all its terms are stored,
it has a score. To score `generic` is to score its terms.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from pipeline.errors import UserError, unknown
from pipeline.formats import toml_files
from pipeline.formats.toml_files import PlainName, StrictModel
from pipeline.lake.part_name import PartName
from pipeline.lake.store import Lake
from pipeline.proxies.contract import proxy_id_of, row_of

VERSION = 1  # of how the view computes the sum
FOLDER = Path(__file__).parent / "presets"
GENERIC = "generic"  # the aggregate of `pipeline.proxies.aggregates.generic`, whose parts are scored with it

MOST_TERMS = 1000  # as in the view `aggregate_terms`: of 100,000 it needs all memory, and no query of the lake ends

Iteration = Annotated[int, Field(ge=1)]


class Term(StrictModel):
    """One summand, turned so that higher is better.

    Args:
        proxy: the name of a proxy; a released score is NAME@SOURCE.
        proxy_id: one of its configurations; without it, the one with the most scores in the space.
        stage: takes the term from the stored losses of this stage instead of the score.
        signal: whose losses; "sum" except for a menu.
        mode: train (batch statistics) or eval (running statistics).
        iterations: the first and the last of those whose losses are averaged.
        transform: rank (relative, 1 for the best), log-rank, log of what is stored, or the value itself.
        weight: negative where less of it promises more.
        seeds: how many seeds the term is averaged over: with n of them, the aggregate's seed s takes the seeds from n s
            to n s + n - 1.
        failed: "last" ranks an architecture on which the term failed below all others; without it, the sum fails.
    """

    proxy: str
    proxy_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    stage: Annotated[int, Field(ge=0)] | None = None
    signal: str | None = None
    mode: Literal["train", "eval"] | None = None
    iterations: tuple[Iteration, Iteration] | None = None
    transform: Literal["rank", "log-rank", "log", "value"] = "rank"
    weight: float = 1.0
    seeds: Annotated[int, Field(ge=2)] | None = None
    failed: Literal["last"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _sum_of_signals(cls, data: Any) -> Any:
        return {"signal": "sum", **data} if isinstance(data, dict) and "stage" in data else data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        of_curves = {"signal": self.signal, "mode": self.mode, "iterations": self.iterations}
        if self.stage is None and (superfluous := [name for name, value in of_curves.items() if value is not None]):
            raise ValueError(f"{superfluous[0]} goes with stage, which is not given")
        if self.stage is not None and (missing := [name for name, value in of_curves.items() if value is None]):
            raise ValueError(f"a term with stage needs {missing[0]}")
        if self.iterations and self.iterations[0] > self.iterations[1]:
            raise ValueError(f"iterations end at {self.iterations[1]}, before they begin")
        if self.failed and "rank" not in self.transform:
            raise ValueError(f"failed = 'last' goes with ranks, transform is {self.transform}")
        return self


class Aggregate(StrictModel):
    """A weighted sum of terms; higher is better.

    Args:
        name, description: of it.
        images: a description of those that its terms see, where all are pinned to the same.
        terms: the summands.
    """

    name: PlainName
    description: str = ""
    images: dict[str, JsonValue] | None = None
    terms: Annotated[list[Term], Field(min_length=1, max_length=MOST_TERMS)]

    @property
    def configuration(self) -> dict[str, Any]:
        """What the views read, and everything that changes the number besides what is stored."""
        images = {"images": self.images} if self.images else {}
        return {"terms": [term.model_dump(mode="json", exclude_none=True) for term in self.terms], **images}

    @property
    def proxy_id(self) -> str:
        return proxy_id_of(self.name, self.configuration, VERSION)


@cache
def names() -> tuple[str, ...]:
    """The shipped aggregates."""
    return tuple(sorted(f"aggregate-{path.stem}" for path in FOLDER.glob("*.toml")))


def recognised(name: str) -> bool:
    """Whether it is the name of a shipped aggregate, `generic` among them, or of a TOML file that has terms."""
    if not toml_files.is_named(name):
        return name in (*names(), GENERIC)
    with suppress(UserError):  # the proxy that the file is read for next says what is wrong with it
        return "terms" in toml_files.read(Path(name), "aggregate")
    return False


def load(name: str) -> Aggregate:
    """A shipped aggregate by its name, or a user's by the path of a TOML file.

    Raises:
        UserError: no such aggregate, or a file that is not one; the message names the field.
    """
    if not toml_files.is_named(name) and name not in names():
        raise unknown("aggregate", name, names())
    path = Path(name) if toml_files.is_named(name) else FOLDER / f"{name.removeprefix('aggregate-')}.toml"
    return toml_files.validated(Aggregate, toml_files.read(path, "aggregate"), path, "aggregate", "the file")


def store(lake: Lake, benchmark: str, aggregate: Aggregate) -> bool:
    """Put the definition among the benchmark's parts, once; returns whether it was not there."""
    part = PartName("aggregate", aggregate.proxy_id)
    if lake.has(benchmark, part):
        return False
    row = row_of(
        aggregate.proxy_id, aggregate.name, "aggregate", aggregate.configuration, VERSION, higher_is_better=True
    )
    try:
        lake.publish(benchmark, part, {"proxies": [row]})
    except FileExistsError:  # another process was quicker
        return False
    return True
