"""A lake from another machine: its scores are compared with those here, and differ by rounding, or differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, Row

PART = f"score-toy-{'b' * 16}-00001"


def scores(value: Callable[[float], float | None], status: str = "ok") -> Callable[[Path], object]:
    """Writes a lake `other` with five scores of the made-up proxy."""

    def make(folder: Path) -> object:
        return publish(folder / "other", value, status)

    return make


def publish(root: Path, value: Callable[[float], float | None] = lambda v: v, status: str = "ok") -> object:
    """A part of five scores."""
    rows: list[Row] = [lakes.score(i, OURS, value(2.0 + i), status=status, run_id="b" * 16) for i in range(3, 8)]
    return lakes.publish(
        root, PART, runs=[lakes.run(run_id="b" * 16)], proxies=[lakes.proxy(OURS, "toy", kind="trained")], scores=rows
    )


CASES = [
    Case("merge: every score larger by 1,000", "merge other", says=("5 values", "nothing was taken", "--keep-first"),
         make=scores(lambda v: v + 1000), damage=publish, lines=2),
    Case("merge: scores here, failures there", "merge other --show-conflicts", says=("5 values", "failed there"),
         make=scores(lambda _: None, "failed"), damage=publish, lines=2),
    Case("merge: another machine's rounding", "merge other", exit=0, says=("5 differ by rounding",),
         make=scores(lambda v: v * 1.01), damage=publish, lines=2),
    Case("merge: infinite scores", "merge other", says=("5 values", "ok inf there"),
         make=scores(lambda _: float("inf")), damage=publish, lines=2),
    Case("merge: the values here are kept", "merge other --keep-first", exit=0, says=("5 values differ",),
         make=scores(lambda v: -v), damage=publish, lines=2),
]  # fmt: skip
