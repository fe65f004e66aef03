"""Lists with one value per epoch beside columns of last values: one value is stored for one number of epochs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ingest.run import ingest
from tests.fixtures import lake_content
from tests.fixtures.stored_tables import ACC, ARCHITECTURE, ONE, mapping, stored, truth, written

FINAL, CURVE = truth("final", epochs=3, optional=True), truth("curve", each="epoch", optional=True)
TWO_ROWS: list[dict[str, object]] = [{"arch": ONE, "final": 93.0}, {"arch": ONE, "curve": [50, 70, 88]}]


@pytest.mark.parametrize("columns", [(FINAL, CURVE), (CURVE, FINAL)])
@pytest.mark.parametrize("rows", [[TWO_ROWS[0] | TWO_ROWS[1]], TWO_ROWS, TWO_ROWS[::-1]])
def test_two_last_values_of_one_length_are_a_reject(
    rows: list[dict[str, object]], columns: tuple[str, str], tmp_path: Path
) -> None:
    file = mapping(tmp_path, 'kind = "json"', ARCHITECTURE, *columns)
    values, rejects = stored(file, written(tmp_path / "t.json", rows))
    assert len(rejects) == 1 and len(values) == len(rows) - 1
    assert "for cifar10 test_accuracy after 3 epochs, where item 1 has" in rejects[0]


@pytest.mark.parametrize("columns", [(FINAL, CURVE), (CURVE, FINAL)])
def test_equal_last_values_are_one(columns: tuple[str, str], lake: Path, tmp_path: Path) -> None:
    file = mapping(tmp_path, 'kind = "json"', ARCHITECTURE, *columns)
    table = written(tmp_path / "t.json", [{"arch": ONE, "final": 88, "curve": [50, 70, 88]}])
    assert stored(file, table) == ({(ONE, ACC, None): 88}, [])
    ingest(lake, "nasbench201", [table], mapping=str(file), curves=True)
    kept = {(r["epochs"], r["epoch"], r["value"]) for r in lake_content.rows(lake, "truth")}
    assert kept == {(3, None, 88), (3, 1, 50), (3, 2, 70), (3, 3, 88)}
    assert len(lake_content.rows(lake, "truth")) == 4


def test_a_list_of_another_seed_is_another_value(tmp_path: Path) -> None:
    file = mapping(tmp_path, 'kind = "json"', ARCHITECTURE, FINAL, truth("curve", each="epoch", seed=7))
    table = written(tmp_path / "t.json", [{"arch": ONE, "final": 93, "curve": [50, 70, 88]}])
    assert stored(file, table) == ({(ONE, ACC, None): 93, (ONE, ACC, 7): 88}, [])
