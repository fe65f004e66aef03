"""Scores, true values and labels that rank nothing are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import provenance
from pipeline.lake.store import Lake
from pipeline.tuning.evaluations import evaluate, transfer
from pipeline.tuning.weigh import weigh
from tests.fixtures import lakes
from tests.fixtures.lines import refused
from tests.fixtures.tuned_lakes import GOOD, SIZE, data, made_up

COUNT = 40


def equal(root: Path, *, score: float | None = 5.0, truth: float | None = None) -> Lake:
    """40 architectures with this score (None: all failed), or, where a true value is given, with this and any score."""
    status, reason = ("ok", None) if score is not None else ("failed", "out of memory")
    scores = [lakes.score(i, GOOD, score if truth is None else float(i), status=status, reason=reason)
              for i in range(COUNT)]  # fmt: skip
    return lakes.publish(
        root, proxies=[lakes.proxy(GOOD, "synflow@there", higher_is_better=True)], metrics=[lakes.metric()],
        runs=[lakes.run()], sources=[lakes.source(lakes.BIG, "big")], scores=scores,
        architectures=[lakes.architecture(i) for i in range(COUNT)],
        truth=[lakes.truth(i, float(i) if truth is None else truth) for i in range(COUNT)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"score": 5.0}, "no score tells the 40 architectures of madeup/toys with every term apart: they are equal"),
        ({"score": None}, "no score tells the 40 architectures of madeup/toys"),
        ({"truth": 70.0}, "no digits test_accuracy tells the 40 architectures of madeup/toys with every term apart"),
    ],
)
def test_what_ranks_nothing_is_told(tmp_path: Path, given: dict[str, float | None], says: str) -> None:
    lake = equal(tmp_path / "lake", **given)
    for tune in (weigh, evaluate, transfer):
        with refused(says):
            tune(lake.root, data(labels=5))
    made_up(lake.root, space="more", part="1")
    evaluation, (line,) = transfer(lake.root, data(space="more", labels=5), 2)
    assert evaluation.empty and says in line


def test_labels_that_are_equal_are_told(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    labelled = provenance.nested([lakes.arch(i) for i in range(SIZE)], 0)[:5]
    other = [lakes.truth(i, 1.0 if lakes.arch(i) in labelled else 2.0 + i, metric="other") for i in range(SIZE)]
    lakes.publish(lake.root, "more", metrics=[lakes.metric(metric="other", priority=0)], truth=other)
    with refused("5 labels with the same digits other rank nothing: give more --labels"):
        weigh(lake.root, data(labels=5))
