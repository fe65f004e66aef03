"""The published tables themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pipeline.benchmarks.transnas101 import reading
from pipeline.benchmarks.transnas101.metrics import columns


def test_every_row_of_every_task_is_there(shared: Path) -> None:
    for batch in reading.read(shared / "transnas101", False):
        [task] = set(batch.truths["dataset"])
        assert batch.rejects["reason"] == []
        assert Counter(batch.architectures["space"]) == {"micro": 4_096, "macro": 3_255}
        assert len(set(batch.architectures["arch_id"])) == 7_351
        assert len(batch.truths["value"]) == 7_351 * len(columns(task)) and set(batch.truths["status"]) == {"ok"}
        # the order in which the archive lists them, of which one macro architecture is not in the tables
        assert len({int(number) for number in batch.architectures["native_id"]} ^ {*range(7_352)}) == 1
