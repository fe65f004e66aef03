"""JSON objects that are refused when a key occurs twice, since either value may be meant."""

from __future__ import annotations

import ast
import json
from collections import Counter
from typing import Any

from pipeline.errors import UserError, excerpt


class RepeatedKeyError(ValueError):
    """A key stands twice in one object."""


def unique_keys(pairs: list[tuple[Any, object]]) -> dict[Any, object]:
    """The object of these pairs: an `object_pairs_hook` for `json.load`, which itself would keep the last of a key.

    Raises:
        RepeatedKeyError: a key occurs twice.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise RepeatedKeyError(f"the key {excerpt(key)} occurs twice in one object")
    return members


def loads(text: str | bytes) -> object:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, holds an integer of thousands of digits, or a key occurs twice in one object.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (json.JSONDecodeError, UnicodeDecodeError, RepeatedKeyError):
        raise
    except ValueError as error:
        raise ValueError("it holds a whole number of thousands of digits") from error


def loads_or_literal(text: str) -> object:
    """What a text says as JSON, or as a literal of Python.

    Raises:
        RepeatedKeyError: a key occurs twice in one object or dictionary.
        ValueError: it is neither.
    """
    try:
        return loads(text)
    except RepeatedKeyError:
        raise
    except (ValueError, RecursionError):
        pass
    try:
        tree = ast.parse(text.strip(), mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):  # of which Python would keep the last of a key
                unique_keys([(ast.literal_eval(key), None) for key in node.keys if key is not None])
        return ast.literal_eval(tree)
    except RepeatedKeyError:
        raise
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("it is neither JSON nor a literal of Python") from error


def decoded(given: object) -> object:
    """What JSON text says; what is no text stands for itself.

    Raises:
        UserError: the text is no JSON.
    """
    if not isinstance(given, str):
        return given
    try:
        return loads(given)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{excerpt(given)} is not JSON: {error}") from error


def decoded_if_json(given: object) -> object:
    """What JSON text says; what is no text, or no JSON, stands for itself."""
    try:
        return decoded(given)
    except UserError:
        return given
