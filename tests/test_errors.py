"""Messages: what a file holds is shown in part, however large, deep or odd it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import excerpt, is_there, message_of
from pipeline.lake import marker


def tower(levels: int) -> list[object]:
    """A list of few objects whose `repr` would be of 2^levels elements."""
    shared: list[object] = [0]
    for _ in range(levels):
        shared = [shared, shared]
    return shared


def cyclic() -> dict[str, object]:
    """A mapping that holds itself."""
    content: dict[str, object] = {}
    content["itself"] = content
    return content


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        (tower(60), "[[[[...], [...]], [["),
        ({"a": tower(60)}, "{'a': [["),
        ((tower(60),), "([["),
        (cyclic(), "{'itself': {'itself': {"),
        (10**5000, "<a whole number of 16,610 bits>"),
        ("x" * 10**7, "'xxxx"),
        (b"\0" * 10**7, "b'\\x00"),
        (dict.fromkeys(range(10**5), 0), "{0: 0, 1: 0"),
        ({"b"}, "["),
        (np.zeros((3, 2)), "<array of float64, shape [3, 2]>"),
        ("\x1b[31mred\u202e", "'\\x1b[31mred\\u202e'"),
        (1.5, "1.5"),
        (None, "None"),
    ],
    ids=excerpt,
)
def test_an_excerpt_is_short_and_begins_as_the_value_does(value: object, beginning: str) -> None:
    shown = excerpt(value)
    assert shown.startswith(beginning)
    assert len(shown) <= 63


def test_a_short_value_is_shown_whole() -> None:
    value = {"op": "linear", "input": ["x", 1, 2.5, None, True]}
    assert excerpt(value, 80) == repr(value)
    assert re.fullmatch(r"'a{39}\.\.\.", excerpt("a" * 100, 40))


class MuteError(Exception):
    """An error whose message cannot be had."""

    def __str__(self) -> str:
        raise SystemExit


class Text(str):
    """A text whose methods fail."""

    __slots__ = ()

    def partition(self, sep: str) -> tuple[str, str, str]:
        raise ZeroDivisionError


class OddTextError(Exception):
    """An error whose message is no plain text."""

    def __str__(self) -> str:
        return Text("x")


def test_what_an_error_says_is_plain_text_or_nothing() -> None:
    assert [message_of(error) for error in (MuteError(), OddTextError(), ValueError("y"))] == ["", "x", "y"]
    assert message_of(OddTextError()).partition("x") == ("", "x", "")


def test_what_cannot_be_looked_at_is_not_taken_for_absent(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    found = [name for name in (".", "file", "none", "none/file", "file/x", "loop", "\0") if is_there(tmp_path / name)]
    assert found == [".", "file"]
    for there in (is_there, marker.is_lake):
        with pytest.raises(OSError, match="too long"):
            there(tmp_path / ("x" * 300))
