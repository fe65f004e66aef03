"""Read long JSON arrays element by element, in the memory of one element.

The file holds one array, or one object whose values are arrays. An element comes with its position as Python and most
tools index it: `[17]`, or `top[3]` under the object's key `top`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipeline.errors import NotThisFormError, excerpt, from_os
from pipeline.formats import packed, signatures
from pipeline.formats.json_objects import RepeatedKeyError, unique_keys
from pipeline.formats.table_form import Unreadable

_TAKEN = ("a JSON file", signatures.EMPTY.name, *signatures.PACKINGS)
_CHUNK = 1 << 20  # characters; doubled while one element does not fit
_LONGEST = 1 << 26  # characters of one element; an element that does not end would else take the whole file in


_NESTING = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|"', re.DOTALL)
"""A text, or a bracket; a lone quotation mark begins a text that continues beyond the window."""


class _DamagedError(Exception):
    """The text is not JSON, or not of arrays, from here on."""


def read(path: Path) -> Iterator[tuple[str, object | Unreadable]]:
    """Position and value of each element, in the file's order; where the file is damaged, an `Unreadable` is the last.

    Raises:
        NotThisFormError: nothing of this form is there; raised before the first element.
        UserError: the file cannot be read.
    """
    position, any_before = "", False
    try:
        # A byte that is no UTF-8 spoils the element that it is in, and no other.
        with io.TextIOWrapper(packed.open_unpacked(path), "utf-8-sig", errors="replace") as stream:
            text = _Text(stream)
            try:
                for position, element in _arrays(text):
                    yield position, element
                    any_before = True
            except _DamagedError as error:
                if not any_before:
                    line = signatures.instead(path, "a JSON file", *_TAKEN)
                    raise NotThisFormError(line or f"{path}: {error}") from error
                yield f"after {position}", Unreadable(f"{error}: what follows is lost")
    except OSError as error:
        raise from_os(error, f"reading {path}") from error


def _arrays(text: _Text) -> Iterator[tuple[str, object]]:
    match text.peek():
        case "[":
            yield from _elements(text, "")
        case "{":
            text.skip("{")
            keys: set[str] = set()
            while text.peek() != "}":
                key = str(text.value())
                if key in keys:
                    raise _DamagedError(f"the key {excerpt(key)} occurs twice")
                keys.add(key)
                text.skip(":")
                if text.peek() != "[":
                    raise _DamagedError(f"'{excerpt(key, bare=True)}' holds no array")
                yield from _elements(text, key)
                if text.peek() != "}":
                    text.skip(",")
            text.skip("}")
        case "":
            raise _DamagedError("the file is empty")
        case _:
            raise _DamagedError("it holds neither a JSON array nor an object of arrays")
    if text.peek():
        raise _DamagedError("there is more after the end of the JSON")


def _elements(text: _Text, name: str) -> Iterator[tuple[str, object]]:
    text.skip("[")
    index = 0
    while text.peek() != "]":
        yield f"{name}[{index}]", text.value()
        index += 1
        if text.peek() != "]":
            text.skip(",")
    text.skip("]")


class _Text:
    """A window on the text, which moves on as values are taken from it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._decoder = stream, json.JSONDecoder(object_pairs_hook=unique_keys)
        self._window, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self._at < len(self._window):
                if not self._window[self._at].isspace():
                    return self._window[self._at]
                self._at += 1
            if not self._more(_CHUNK):
                return ""

    def skip(self, expected: str) -> None:
        """Go past a character that must be there."""
        following = self.peek()
        if following != expected:
            what = f"{following!r} stands" if following else "the file ends"
            raise _DamagedError(f"{what} where {expected!r} is expected")
        self._at += 1

    def value(self) -> object:
        """The next JSON value, or an `Unreadable` in the place of one that is well formed but cannot be taken.

        Python reads neither integers of thousands of digits nor what is nested thousands deep.
        """
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except RecursionError:
                self._pass_over()
                return Unreadable("it is nested too deeply")
            except RepeatedKeyError as error:
                self._pass_over()
                return Unreadable(str(error))
            except ValueError as error:
                if not isinstance(error, json.JSONDecodeError) and self.peek() in ("[", "{"):
                    self._pass_over()
                    return Unreadable("it holds a whole number of thousands of digits")
                # What looks damaged may merely continue beyond the window.
                if len(self._window) - self._at > _LONGEST or not self._more(size):
                    raise _DamagedError(f"no JSON: {error}") from error
            else:
                if end < len(self._window) or not self._more(size):  # a number at the window's end may continue
                    self._at = end
                    return value
            size *= 2

    def _pass_over(self) -> None:
        """Go past the next value, an array or an object, without decoding it."""
        depth, passed, size = 0, 0, _CHUNK
        while True:
            for token in _NESTING.finditer(self._window, self._at):
                if token[0] == '"':  # the text's end is not in the window
                    self._at = token.start()
                    break
                self._at = token.end()
                depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
                if depth <= 0:
                    return
            else:
                self._at = len(self._window)
            passed += size
            if passed > _LONGEST or not self._more(size):
                raise _DamagedError("no JSON: an element does not end")
            size *= 2

    def _more(self, size: int) -> bool:
        try:
            chunk = self._stream.read(size)
        except (NotThisFormError, OSError, *packed.BROKEN) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _DamagedError(str(error if isinstance(error, NotThisFormError) else packed.damaged(error))) from error
        if chunk:
            self._window, self._at = self._window[self._at :] + chunk, 0
        return bool(chunk)
