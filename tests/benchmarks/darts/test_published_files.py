"""The published accuracies themselves."""

from __future__ import annotations

from pathlib import Path

from pipeline.benchmarks.darts import reading
from tests.fixtures.darts_files import FILE


def test_every_line_is_there_and_every_cell_once(shared: Path) -> None:
    [batch] = reading.read(shared / "darts" / FILE, False)
    assert batch.rejects["reason"] == []
    assert len(set(batch.architectures["arch_id"])) == len(batch.truths["value"]) == 3 * 680
    assert (min(batch.truths["value"]), max(batch.truths["value"])) == (10.25, 86.61000061035156)
    assert set(batch.truths["seed"]) == {1}
