"""The cases: every module of this package has a list CASES, and its name says what its cases have in common."""

from __future__ import annotations

import importlib
import pkgutil

from tests.attack.case import Case


def every_case() -> dict[str, Case]:
    """Every case by the name of its module and its own: "options: an empty --images"."""
    named = []
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        named += [(f"{found.name}: {case.name}", case) for case in module.CASES]
    assert len(dict(named)) == len(named), "two cases have one name"
    return dict(named)
