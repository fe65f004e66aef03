"""Calls of the Python API with what it cannot take."""

import os
import sys
from decimal import Decimal
from typing import Any

import numpy as np
from torch import nn

import pipeline
from tests.attack.case import Case

NUMBER: Any = 7
WRONG: Any = None
WORD: Any = "a"
LIST: Any = ["a"]
ARRAY: Any = np.zeros(2)
DIGITS: Any = ["1_000"]
BEYOND: Any = [Decimal("1e400")]


class End(nn.Module):
    """A network that ends the process."""

    def forward(self, _: object) -> object:
        """End it."""
        sys.exit(3)


class BytesPath(os.PathLike[bytes]):
    """A path that no lake has."""

    def __fspath__(self) -> bytes:
        """Of bytes."""
        return b"lake"


BYTES: Any = BytesPath()

CASES = [
    Case("no such proxy", call=lambda _: pipeline.score_network(NUMBER, "synflw"), says=("synflow",)),
    Case(
        "all zero-cost proxies of one network",
        call=lambda _: pipeline.score_network(NUMBER, "zero-cost"),
        says=("is 19 proxies", "pipeline.score_networks"),
    ),
    Case("no networks", call=lambda _: pipeline.score_networks({}, ["synflow"]), says=("at least one of them",)),
    Case(
        "one of the networks is a number",
        call=lambda _: pipeline.score_networks({"a\x1b[2J": NUMBER}, ["params"]),
        says=(r"network 'a\x1b[2J': a network is a torch module",),
    ),
    Case("no lake in Python", call=lambda p: pipeline.Lake(p.files / "none"), says=("no lake at",)),
    Case(
        "a proxy that the lake does not have",
        call=lambda p: pipeline.Lake(p.lake).scores(proxy="regression-tyo"),
        says=("did you mean regression-toy",),
    ),
    Case("SQL that writes", call=lambda p: pipeline.Lake(p.lake).sql("DROP VIEW scores"), says=("queries only read",)),
    Case("images of no name", call=lambda _: pipeline.score_network(NUMBER, images=" "), says=("an empty text",)),
    Case("a network that is a number", call=lambda _: pipeline.score_network(NUMBER), says=("not int",)),
    Case(
        "more than there are",
        call=lambda _: pipeline.sample_architectures("nasbench201", 10**9),
        says=("ask for fewer",),
    ),
    Case("unequal lengths", call=lambda _: pipeline.correlate([1.0], [1.0, 2.0]), says=("1 score and 2 true values",)),
    *(
        Case(name, call=call, says=says)
        for name, call, says in (
            ("a query that is None", lambda p: pipeline.query(WRONG, p.lake), ("the query is None",)),
            ("a lake that is a number", lambda _: pipeline.Lake(NUMBER), ("the lake is 7",)),
            ("a query of a lake that is a number", lambda _: pipeline.query("FROM scores", NUMBER), ("the lake is 7",)),
            ("a lake of a list", lambda _: pipeline.sample_architectures("nds", 1, lake=LIST), ("the lake is ['a']",)),
            ("scores of a proxy that is a list", lambda p: pipeline.Lake(p.lake).scores(proxy=LIST), ("['a']",)),
            ("a parameter that is a list", lambda p: pipeline.query("SELECT $a", p.lake, a=LIST), ("parameter a",)),
            ("a benchmark that is a list", lambda _: pipeline.sample_architectures(LIST, 1), ("unknown benchmark",)),
            ("a benchmark that is an array", lambda _: pipeline.sample_architectures(ARRAY, 1), ("'<array of",)),
            (
                "a device that is an array",
                lambda _: pipeline.score_network(nn.Identity(), "params", device=ARRAY),
                ("the device is <array",),
            ),
            ("a space that is an array", lambda _: pipeline.sample_architectures("nds", 1, space=ARRAY), ("space is",)),
            ("a seed of 5001 digits", lambda _: pipeline.sample_architectures("nds", 1, seed=10**5000), ("63 bits",)),
            ("a sample's seed that is a list", lambda _: pipeline.sample_architectures("nds", 1, seed=LIST), ("seed",)),
            ("a proxy that is a list", lambda _: pipeline.score_network(NUMBER, LIST), ("the proxy is ['a']",)),
            ("images that are a number", lambda _: pipeline.score_network(NUMBER, images=NUMBER), ("images is 7",)),
            ("true values that are a text", lambda _: pipeline.correlate([1.0], WORD), ("true values are 'a'",)),
            ("true values that are a number", lambda _: pipeline.correlate([1.0], NUMBER), ("true values are 7",)),
            ("a true value that is a text", lambda _: pipeline.correlate([1.0], LIST), ("a value is 'a'",)),
            ("a score that is a list", lambda _: pipeline.correlate([LIST], [1.0]), ("a value is ['a']",)),
            ("a true value that is a number's text", lambda _: pipeline.correlate([1.0], DIGITS), ("is '1_000'",)),
            ("a score beyond all floats", lambda _: pipeline.correlate(BEYOND, [1]), ("a value is Dec",)),
            ("a direction that is a text", lambda _: pipeline.correlate([1], [1], lower_is_better=WORD), ("is 'a',",)),
            ("a lake of a name without end", lambda _: pipeline.Lake("x" * 9000), ("File name too long",)),
            ("a lake whose name is not of UTF-8", lambda _: pipeline.Lake("\ud800"), ("the lake '\\ud800'",)),
            ("a lake whose path is of bytes", lambda _: pipeline.Lake(BYTES), ("cannot be looked for: ",)),
            ("a parameter of 5001 digits", lambda p: pipeline.query("SELECT $a", p.lake, a=10**5000), ("too large",)),
            ("SQL of 9,000 letters", lambda p: pipeline.query("x" * 9000, p.lake), (" ... ",)),
            ("a network that ends", lambda _: pipeline.score_network(End(), "naswot"), ("does not take", "3")),
            ("a network's maker that ends", lambda _: pipeline.score_network(lambda: sys.exit(3)), ("SystemExit: 3",)),
        )
    ),
    Case("a query that writes", call=lambda p: pipeline.query("DROP VIEW scores", p.lake), says=("queries only read",)),
]
