"""pydantic's errors for fields of a TOML file in the words of this package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.errors import excerpt, unknown

_KINDS = {
    "string": "a string", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list",
    "tuple": "a list", "dict": "a table", "model": "a table",
}  # fmt: skip
_BOUNDS = {
    "greater_than": "a number above {gt:g}", "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}", "less_than_equal": "a number of at most {le:g}",
    "multiple_of": "a multiple of {multiple_of:g}", "finite_number": "a finite number",
    "string_too_long": "a string of at most {max_length} characters",
    "string_too_short": "a string of {min_length} or more characters",
    "too_long": "a list of at most {max_length} items", "too_short": "a list of {min_length} or more items",
    "int_from_float": "a whole number", "literal_error": "one of {expected}",
}  # fmt: skip
_PATTERNS = {
    r"^[a-z0-9][a-z0-9-]*$": "a name of lower-case letters, digits and -",
    r"^[a-z0-9][a-z0-9.-]*$": "a name of lower-case letters, digits, . and -",
    r"^[a-z0-9][a-z0-9_.-]*$": "a name of lower-case letters, digits, _, . and -",
    r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$": "a name of letters, digits, _, . and -",
    r"^[A-Za-z0-9_-]{1,64}$": "a name of at most 64 letters, digits, _ and -",
    r"^[A-Za-z0-9.+ ()-]*$": "a string of letters, digits, spaces and . + - ( )",
    r"^\S([^\x00-\x1f]*\S)?$": "a string that neither begins nor ends with a space",
    r"^(https?://\S+)?$": "an address that begins with http:// or https://",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    r"^[0-9a-f]{16}$": "16 hexadecimal digits in lower case",
}


def place(problem: ErrorDetails) -> str:
    """The field in which a problem is, entries of a list counted from 1; empty of the whole file."""
    return ".".join(excerpt(str(p + 1 if isinstance(p, int) else p), 60, bare=True) for p in problem["loc"])


def broken(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with a field, in a clause; the model is that of the whole file."""
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
        expected = _PATTERNS.get(pattern, f"a string that matches {pattern}")
    elif kind in _BOUNDS:
        expected = _BOUNDS[kind].format(**rule)
    else:
        expected = _KINDS.get(kind.partition("_")[0], "a value that is allowed")
    return f"{excerpt(problem['input'])} is not {expected}"


def fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names that fields may have in the section of the field at `location`, which need not exist."""
    section = model
    for name in location[:-1]:
        if isinstance(name, str) and name in section.model_fields:
            section = next(_models(section.model_fields[name].annotation), section)
    return list(section.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models within the type of a field: Term in `list[Term] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
