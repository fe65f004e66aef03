"""Calls of the Python API with what it cannot take."""

from typing import Any

import pipeline
from tests.attack.case import Case

NUMBER: Any = 7

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
    Case("unequal lengths", call=lambda _: pipeline.correlate([1.0], [1.0, 2.0]), says=("1 scores and 2 true values",)),
    Case("a query that writes", call=lambda p: pipeline.query("DROP VIEW scores", p.lake), says=("queries only read",)),
]
