"""Failures that are computed again: a value takes their place in every view and every merge, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline import catalog, executor, provenance
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.export import tables
from pipeline.lake.store import Lake
from pipeline.proxies.contract import Score
from pipeline.scoring import merge, plan
from pipeline.scoring import run as score
from pipeline.scoring.merge import DifferingValuesError
from pipeline.scoring.writer import ScoreWriter
from pipeline.search import run as search
from pipeline.search.search import SearchSettings
from pipeline.status import content
from tests.fixtures import lakes, tiny_scoring
from tests.fixtures.lake_content import rows
from tests.fixtures.lakes import SIZE

INLINE = executor.Executor("inline")
PARAMS = plan.Plan("nasbench201", "topology", "params", None, 0, "cpu")
BUILT = plan.built


@pytest.fixture
def cells(lake: Path) -> Path:
    batch = SourceRows("nasbench201")
    for number in range(6):
        batch.add_architecture("topology", {"cell": tiny_scoring.cell(number * 389 + 7)}, str(number))
    made = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": made.to_pylist()})
    return lake


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The cells that cannot be built: two, until a test mends them."""
    some = {tiny_scoring.cell(number * 389 + 7) for number in range(2)}

    def built(bench: Any, bundle: Any, space: str, spec: Any) -> Any:
        if spec["cell"] in some:
            raise RuntimeError("not mended yet")
        return BUILT(bench, bundle, space, spec)

    monkeypatch.setattr(plan, "built", built)
    return some


def shown(lake: Path, sql: str = "FROM scores") -> list[dict[str, Any]]:
    with closing(catalog.snapshot(Lake(lake))) as connection:
        return list(catalog.rows(connection, sql).to_pylist())


def statuses(lake: Path) -> Counter[str]:
    return Counter(row["status"] for row in shown(lake))


def sound(lake: Path) -> bool:
    """Whether every check holds, but that a lake made by a merge has no architectures."""
    return {name for name, table in catalog.checks(Lake(lake)) if table.num_rows} <= {"scores_of_the_unknown"}


def test_a_value_takes_the_place_of_a_failure_and_a_second_failure_is_not_stored(cells: Path, broken: set[str]) -> None:
    assert score.run(cells, PARAMS, executor=INLINE).statuses == {"ok": 4, "unbuildable": 2}
    stored = rows(cells)
    done = "params: all 6 scores are stored already, nothing to do"
    failed = f"{done}; 2 of them failed: computed again with --retry-failed"
    assert score.run(cells, PARAMS, executor=INLINE).line == failed
    again = score.run(cells, PARAMS, retry_failed=True, executor=INLINE)
    assert (again.statuses, again.before) == ({"failed again": 2}, 4)
    assert again.line.startswith("params: 2 failed again (4 stored before)") and "not mended yet" in again.line
    assert rows(cells) == stored and not rows(cells, "retried")

    broken.clear()
    assert score.run(cells, PARAMS, retry_failed=True, executor=INLINE).statuses == {"ok": 2}
    assert statuses(cells) == {"ok": 6} and sound(cells)
    assert rows(cells) == stored and len(rows(cells, "retried")) == 2
    assert {row["run_id"] for row in rows(cells, "retried")} <= {row["run_id"] for row in shown(cells)}
    assert shown(cells, "SELECT status, scores FROM coverage") == [{"status": "ok", "scores": 6}]
    [benchmark] = content.read(cells)["benchmarks"]
    assert [(row["scores"], row["failed"], row["missing"]) for row in benchmark["proxies"]] == [(6, 0, 0)]
    for retry in (False, True):
        assert score.run(cells, PARAMS, retry_failed=retry, executor=INLINE).line == done


def test_a_training_brings_its_curves_and_one_that_diverged_keeps_its_own(
    cells: Path, broken: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.benchmarks.nasbench201 import network

    monkeypatch.setattr(network, "TOPOLOGY_CELLS", 1)
    tiny = tiny_scoring.plan(tiny_scoring.preset(tmp_path))
    assert score.run(cells, tiny, sample=6, executor=INLINE).statuses == {"ok": 4, "unbuildable": 2}
    broken.clear()
    assert score.run(cells, tiny, retry_failed=True, executor=INLINE).statuses == {"ok": 2}
    assert len(tiny_scoring.losses(cells)) == len(rows(cells, "curves")) == 6 * 6 and sound(cells)
    wild = tiny_scoring.plan(tiny_scoring.preset(tmp_path, 3, "learning_rate = 1e30"))
    assert score.run(cells, wild, sample=1, executor=INLINE).statuses == {"diverged": 1}
    for retry in (False, True):
        again = score.run(cells, wild, sample=1, retry_failed=retry, executor=INLINE)
        assert again.line.endswith("stored already, nothing to do"), "a result of the training, and no failure to mend"


def test_of_two_runs_at_once_one_stores_each_value(cells: Path, broken: set[str]) -> None:
    score.run(cells, PARAMS, executor=INLINE)
    failed = [row for row in rows(cells) if row["status"] != "ok"]
    bundle, chosen = PARAMS.load(), [row["arch_id"] for row in rows(cells)]
    writers = [ScoreWriter(Lake(cells), "nasbench201", "topology", 0, bundle, chosen) for _ in range(2)]
    for writer in writers:
        writer.retry_failed(chosen)
        assert set(writer.stored.incomplete()) == {row["arch_id"] for row in failed}
        writer.open(provenance.new_run("score", {}, "cpu"))
    for value, writer in enumerate(writers):
        for row in failed:
            item = (row["arch_id"], "", (row["proxy_id"],))
            assert writer.has(item) == (writer is writers[1])
            writer.add(item, {row["proxy_id"]: (Score(float(value), "ok", None), 1.0)})
        writer.close("finished")
    assert [row["value"] for row in rows(cells, "retried")] == [0.0, 0.0]
    assert [writer.statuses for writer in writers] == [{"ok": 2}, {}]


def test_processes_compute_it_again(cells: Path, broken: set[str]) -> None:
    score.run(cells, PARAMS, executor=INLINE)
    words = ["score", "nasbench201", "--proxy", "params", "--retry-failed", "--workers", "1", "--lake", str(cells)]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.startswith("params: 2 ok (4 stored before)"), done.stderr
    assert statuses(cells) == {"ok": 6} and sound(cells)
    del broken


def test_a_search_whose_step_failed_goes_on_as_it_began(cells: Path, broken: set[str]) -> None:
    followed = search.run(cells, PARAMS, SearchSettings(budget=12), executor=INLINE)
    assert followed.steps == 12
    score.run(cells, PARAMS, executor=INLINE)
    broken.clear()
    score.run(cells, PARAMS, retry_failed=True, executor=INLINE)
    on = search.run(cells, PARAMS, SearchSettings(budget=14), executor=INLINE)
    assert (on.search_id, on.before, on.steps) == (followed.search_id, 12, 14) and sound(cells)


def made(
    root: Path, value: float | None, *, retried: float | None = None, seconds: float = 1.0, curves: int = 0
) -> Path:
    """A lake of one score, which may have failed, and have been computed again with a value in so many seconds."""
    failed = {"status": "failed", "reason": "too big"} if value is None else {}
    key = lakes.score(1, SIZE, value, **failed)
    lakes.publish(root, "ingest-0", architectures=[lakes.architecture(1)])
    lakes.publish(
        root, f"score-size-{'a' * 16}-00001", runs=[lakes.run()], proxies=[lakes.proxy(SIZE, "size")], scores=[key],
        **({"curves": [lakes.curve(1, SIZE, 0, "eval", [1.0])]} if curves else {}),
    )  # fmt: skip
    if retried is not None:
        lakes.publish(
            root, f"score-size-{'b' * 16}-00001", runs=[lakes.run(run_id="b" * 16)],
            proxies=[lakes.proxy(SIZE, "size")],
            retried=[key | {"value": retried, "seconds": seconds, "run_id": "b" * 16}],
            curves=[lakes.curve(1, SIZE, 0, "eval", [2.0, retried])],
        )  # fmt: skip
    return root


def content_of(root: Path) -> tuple[list[Any], int]:
    """The scores and the number of curves that a lake shows, which has to be sound."""
    assert sound(root)
    return [(row["value"], row["status"], row["run_id"]) for row in shown(root)], len(shown(root, "FROM curves"))


VALUE = ([(3.0, "ok", "b" * 16)], 1)


@pytest.mark.parametrize("order", ["failed first", "retried first", "through an export", "through a merge"])
def test_merged_in_any_order_a_value_wins_over_its_failure(order: str, tmp_path: Path) -> None:
    failed, retried = made(tmp_path / "failed", None), made(tmp_path / "retried", None, retried=3.0)
    assert content_of(retried) == VALUE
    into, other = (failed, retried) if order != "retried first" else (retried, failed)
    if order == "through an export":
        tables.export(Lake(retried), other := tmp_path / "tables")
    if order == "through a merge":
        merge.run(other := tmp_path / "one", retried)
        assert content_of(other) == VALUE
    found = merge.run(into, other, keep_first=False)
    assert (found.taken, found.stored) == ((0, 1) if order == "retried first" else (1, 0))
    assert content_of(into) == VALUE
    parts = Lake(into).part_names(lakes.BENCHMARK)
    assert merge.run(into, other, keep_first=False).taken == 0
    assert Lake(into).part_names(lakes.BENCHMARK) == parts
    merge.run(tmp_path / "all", into)
    assert content_of(tmp_path / "all") == VALUE


def test_what_nobody_retried_differs_and_a_value_of_ones_own_stays(tmp_path: Path) -> None:
    failed, fresh = made(tmp_path / "failed", None), made(tmp_path / "fresh", 3.0)
    retried = made(tmp_path / "retried", None, retried=3.0)
    for into, other in ((failed, fresh), (fresh, failed)):
        with pytest.raises(DifferingValuesError, match="failed"):
            merge.run(into, other, keep_first=False)
    assert merge.run(fresh, retried, keep_first=False).taken == 0
    assert content_of(fresh) == ([(3.0, "ok", lakes.RUN)], 0)
    assert merge.run(retried, fresh, keep_first=False).taken == 0 and content_of(retried) == VALUE
    diverged = made(tmp_path / "diverged", None, curves=1)
    with pytest.raises(DifferingValuesError):
        merge.run(diverged, retried, keep_first=False)
    assert merge.run(diverged, retried).taken == 0 and content_of(diverged)[1] == 1


@pytest.mark.parametrize(("value", "differing"), [(3.0, 0), (1.0, 1)])
def test_what_two_lakes_have_retried_is_compared_by_its_value_alone(
    value: float, differing: int, tmp_path: Path
) -> None:
    here = made(tmp_path / "here", None, retried=3.0)
    there = made(tmp_path / "there", None, retried=value, seconds=7.0)
    found = merge.run(here, there)
    assert (found.taken, found.stored, found.differences.differing) == (0, 1, differing)
    assert content_of(here) == VALUE


def test_retried_rows_that_no_lake_may_hold_are_not_taken(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fails the check values_and_status"):
        merge.run(lake, made(tmp_path / "other", None, retried=float("inf")))
    assert not list(lake.glob("parts/madeup/*"))
