"""Check the types of arguments of the Python API."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sized
from pathlib import Path
from typing import Any

from pipeline.errors import UserError, excerpt


def require(what: str, value: object, kind: Any, expected: str) -> None:
    """Refuse a value of another type.

    Args:
        what: begins the message: "the proxy".
        value: what was given.
        kind: as in `isinstance`.
        expected: what it should be, in words: "a name".

    Raises:
        UserError: it is of another type.
    """
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{what} is {excerpt(value, 40)}, where {expected} is expected")


def plain(value: Any) -> Any:
    """The value; in the place of a scalar of numpy, as a DataFrame holds, Python's own, which other code looks for."""
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value


def lake_path(lake: object) -> Path:
    """The path of a lake's folder.

    Raises:
        UserError: it is neither a text nor a path, or one that the system refuses.
    """
    require("the lake", lake, str | os.PathLike, "the path of its folder")
    try:
        path = Path(lake)  # type: ignore[arg-type]
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # of which the lake says what to do
            path.lstat()
        return path
    except (OSError, TypeError, ValueError) as error:  # a name of any length, a null byte, a path of bytes
        raise UserError(
            f"the lake {excerpt(lake, 40)} cannot be looked for: {excerpt(str(error), 100, bare=True)}"
        ) from error


def length(what: str, values: object) -> int:
    """How many values there are.

    Raises:
        UserError: it is no sequence.
    """
    if isinstance(values, Sized) and not isinstance(values, str | bytes | dict | set):
        with contextlib.suppress(TypeError):  # an array without a dimension
            return len(values)
    raise UserError(f"{what} are {excerpt(values, 40)}, where a sequence of them is expected")


def names(values: Any, message: str) -> list[Any]:
    """The members of a list, of an array or of whatever has some.

    Raises:
        UserError: it is a text or has none; with this message.
    """
    with contextlib.suppress(TypeError):
        if not isinstance(values, str) and (found := list(values)):
            return found
    raise UserError(message)
