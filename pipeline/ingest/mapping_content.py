"""The content of a table mapping that may be invalid: its entries, and which of them are valid."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipeline.formats.table_form import Cells

Location = tuple[str | int, ...]

ITEMS = ("truth", "score")


def entries(content: Mapping[str, Any], *kinds: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    """The entries of `[[truth]]` or `[[score]]`, with their locations."""
    for kind in kinds:
        entries = content.get(kind)
        for place, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                yield (kind, place), entry


def named_columns(content: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Every column that the mapping names, with its location."""
    fields: list[tuple[Location, object]] = [(("native_id",), content.get("native_id"))]
    for section in ("architecture", "check"):
        if isinstance(notation := content.get(section), dict):
            fields.append(((section, "column"), notation.get("column")))
            if isinstance(parts := notation.get("fields"), dict):
                fields += [((section, "fields", part), column) for part, column in parts.items()]
    for place, entry in entries(content, *ITEMS):
        fields += [((*place, name), entry.get(name)) for name in ("column", "seconds", "seed_column")]
        if isinstance(conditions := entry.get("where"), dict):
            fields += [((*place, "where", name), name) for name in conditions]
    return ((location, column) for location, column in fields if isinstance(column, str))


def is_near(missing: Location, misspelt: Sequence[Location]) -> bool:
    """Whether a field that is missing is there under a name much like its own."""
    names = [str(location[-1]) for location in misspelt if location[:-1] == missing[:-1]]
    return bool(difflib.get_close_matches(str(missing[-1]), names, n=1))


def sound_of(
    content: Mapping[str, Any], unsound: Collection[Location], cells: Cells, architecture: bool
) -> dict[str, Any]:
    """The sound entries of a mapping, with placeholders for what a mapping needs and this one does not soundly state.

    Args:
        unsound: locations of faults.
        cells: of a row, one of which stands for the architecture if that is unsound.
        architecture: whether its section is sound.
    """
    sound, faulty = copy.deepcopy(dict(content)), {location[:2] for location in unsound}
    for kind in ITEMS:
        entries = sound.get(kind)
        if isinstance(entries, list):
            sound[kind] = [e for place, e in enumerate(entries) if (kind, place) not in faulty]
    for location in unsound:
        if len(location) == 1 or (location and location[0] not in ITEMS):
            sound.pop(str(location[0]), None)
    for name, value in (("name", "unsound"), ("description", ""), ("benchmark", ""), ("container", {"kind": "csv"})):
        sound.setdefault(name, value)
    if not architecture:
        sound["architecture"] = {"column": next(iter(cells)), "encoding": "string"}
    return sound
