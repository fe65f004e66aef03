"""Calls of the Python API with what it cannot take."""

from typing import Any

import pipeline
from tests.attack.case import Case

NUMBER: Any = 7

CASES = [
    Case("no such proxy", call=lambda _: pipeline.score_network(NUMBER, "synflw"), says=("synflow",)),
    Case("images of no name", call=lambda _: pipeline.score_network(NUMBER, images=" "), says=("an empty text",)),
    Case("a network that is a number", call=lambda _: pipeline.score_network(NUMBER), says=("not int",)),
    Case(
        "more than there are",
        call=lambda _: pipeline.sample_architectures("nasbench201", 10**9),
        says=("ask for fewer",),
    ),
    Case("unequal lengths", call=lambda _: pipeline.correlate([1.0], [1.0, 2.0]), says=("1 scores and 2 true values",)),
    Case("a query that writes", call=lambda p: pipeline.query("DROP VIEW scores", p.lake), says=("queries only read",)),
]
