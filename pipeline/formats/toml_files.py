"""Settings in TOML files, checked against a pydantic model; an error is one line with file and field."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats import field_rules, numbers, text_files


class StrictModel(BaseModel):
    """A model that is immutable and refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=StrictModel)

NAME_LENGTH = 64  # characters of a name, which becomes part of names of files
PlainName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=NAME_LENGTH)]
ReleasedName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=NAME_LENGTH)]
SourceName = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$", max_length=NAME_LENGTH)]
"""Names that are stored, by where they come from: ours, of a score that others released, and of its publisher."""

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def read(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        what: what the file is, for messages: "aggregate".

    Raises:
        UserError: it cannot be read, is not TOML, or holds a number without bounds.
    """
    text = text_files.read(path, what, "a TOML file")
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise UserError(f"{what} {path} is not TOML that can be read: it is nested too deeply") from error
    except ValueError as error:  # of tomllib, or of Python for an integer of thousands of digits
        raise UserError(f"{what} {path} is not TOML: {excerpt(str(error), 200, bare=True)}") from error
    try:
        numbers.bounded(content)
    except UserError as error:
        raise UserError(f"{what} {path}: {error}") from error
    return content


def is_named(name: str | Path) -> bool:
    """Whether a name is that of a TOML file."""
    return str(name).lower().endswith(".toml")


def unknown_name(kind: str, name: str, known: Iterable[str], endings: Sequence[str] = (".toml",)) -> UserError:
    """The error for a name that is no known one where a file may be named, too: it may lack its ending."""
    with contextlib.suppress(OSError):  # it is too long for a path
        if Path(name).is_file():
            shown = excerpt(name, 100, bare=True)
            return UserError(f"unknown {kind} '{shown}': a file has to end in {' or '.join(endings)}")
        known = [*known, *(file for ending in endings if Path(file := f"{name}{ending}").is_file())]
    return unknown(kind, name, known)


def validated(model: type[Model], content: dict[str, Any], path: Path, what: str, whole: str) -> Model:
    """The content of a file as a model.

    Args:
        whole: what a message calls the place of a mistake that is in no single field: "the file".

    Raises:
        UserError: a field is missing, unknown or of another type, or breaks a rule; the message names the first.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = field_rules.place(first) or whole
        raise UserError(f"{what} {path}: {where}: {field_rules.broken(first, model)}") from error


def line_of(text: str, location: tuple[str | int, ...]) -> int:
    """The line, from 1, in which a field stands, or the nearest table around it; else 1. `tomllib` gives values alone.

    Args:
        location: names, and for arrays of tables the place, from 0: ("truth", 1, "unit").
    """
    lines = _lines(text)
    return next((lines[location[:n]] for n in range(len(location), 0, -1) if location[:n] in lines), 1)


@lru_cache(1)  # a file with thousands of faults is looked through once
def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    table: tuple[str | int, ...] = ()
    counts: Counter[tuple[str | int, ...]] = Counter()
    lines: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.fullmatch(line):
            table = tuple(part.strip("\"'") for part in _PART.findall(header[2]))
            if header[1] == "[[":
                counts[table] += 1
                table = (*table, counts[table] - 1)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *(part.strip("\"'") for part in _PART.findall(key[1]))), number)
    return lines
