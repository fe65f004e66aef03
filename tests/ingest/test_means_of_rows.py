"""Rows that measure one architecture several times: what is in their means, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ingest.run import ingest
from tests.fixtures.mapped_tables import table
from tests.fixtures.stored_tables import ACC, ARCHITECTURE, ONE, OTHER, mapping, stored, truth

SCORE = '[[score]]\ncolumn = "snip"\nproxy = "snip"\nhigher_is_better = true\n'


@pytest.mark.parametrize(
    ("failed", "warned"),
    [
        ([], None),
        ([(ONE, "nan", 3), (ONE, "", 3)], "2 values that are missing or failed are in no mean"),
        ([(ONE, 92, "inf")], "1 value that is missing or failed is in no mean"),
    ],
)
def test_values_that_are_in_no_mean_are_warned_of(
    failed: list[tuple[object, ...]], warned: str | None, lake: Path, tmp_path: Path
) -> None:
    """An architecture without any measurement is stored as failed, which needs no warning."""
    rows: list[tuple[object, ...]] = [(ONE, 90, 3), (ONE, 94, 3), *failed, (OTHER, "", ""), (OTHER, "nan", "")]
    path = table(tmp_path / "t.csv", ["arch", "acc", "snip"], rows)
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, truth(), SCORE, top='repeated = "mean"')
    expected = {(ONE, ACC, None): 92, (ONE, "snip", None): 3, (OTHER, ACC, None): None, (OTHER, "snip", None): None}
    assert stored(file, path) == (expected, [])
    [summary] = ingest(lake, "nasbench201", [path], mapping=str(file))
    assert list(summary.warnings) == ([f'{path}: {warned} (repeated = "mean" in the mapping)'] if warned else [])
