"""Which rule a field of a TOML file breaks, in the words of this package: what is there, and what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.errors import excerpt, unknown

_KINDS = {
    "string": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list",
    "tuple": "a list", "dict": "a table of keys and values", "model": "a table of keys and values",
}  # fmt: skip
_BOUNDS = {
    "greater_than": "a number above {gt:g}", "greater_than_equal": "a number from {ge:g} on",
    "less_than": "a number below {lt:g}", "less_than_equal": "a number up to {le:g}",
    "multiple_of": "a multiple of {multiple_of:g}", "finite_number": "a number with bounds",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "a text of at least {min_length} characters",
    "too_long": "a list of at most {max_length}", "too_short": "a list of at least {min_length}",
    "int_from_float": "a whole number", "literal_error": "one of {expected}",
}  # fmt: skip
_PATTERNS = {
    r"^[a-z0-9][a-z0-9-]*$": "a name of small letters, digits and -",
    r"^[a-z0-9][a-z0-9.-]*$": "a name of small letters, digits, . and -",
    r"^[a-z0-9][a-z0-9_.-]*$": "a name of small letters, digits, _, . and -",
    r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$": "a name of letters, digits, _, . and -",
    r"^[A-Za-z0-9.+ ()-]*$": "a text of letters, digits, blanks and . + - ( )",
    r"^\S([^\x00-\x1f]*\S)?$": "a text that neither begins nor ends with a blank",
    r"^(https?://\S+)?$": "an address that begins with http:// or https://",
    r"^[0-9a-f]{64}$": "64 digits of 0 to 9 and a to f",
    r"^[0-9a-f]{16}$": "16 digits of 0 to 9 and a to f",
}


def broken(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """Which rule it is that is broken.

    Args:
        problem: one of those of pydantic.
        model: that the whole file was checked against.
    """
    kind, rule = problem["type"], problem.get("ctx", {})
    match kind:
        case "missing":
            return "it is missing"
        case "extra_forbidden":
            return str(unknown("field", problem["loc"][-1], fields_at(model, problem["loc"])))
        case "value_error":
            return str(rule["error"])
    if kind == "string_pattern_mismatch":
        pattern = str(rule["pattern"])
        expected = _PATTERNS.get(pattern, f"a text that matches {pattern}")
    elif kind in _BOUNDS:
        expected = _BOUNDS[kind].format(**rule)
    else:
        expected = _KINDS.get(kind.partition("_")[0], "another value")
    return f"{excerpt(problem['input'])} is there, where {expected} is expected"


def fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The fields of the section in which the field of that location is, or would be."""
    section = model
    for name in location[:-1]:
        if isinstance(name, str) and name in section.model_fields:
            section = next(_models(section.model_fields[name].annotation), section)
    return list(section.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of which a field's type is made: of `list[Term] | None`, Term."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
