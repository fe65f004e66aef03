"""The guard of numbers: what counts as a difference, and that the committed baseline is one of today's code."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks
from pipeline.errors import UserError
from pipeline.lake import checksums
from pipeline.lake.store import Lake
from pipeline.proxies import regression
from pipeline.report import baseline
from pipeline.report.baseline import BaselineCorrelation
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lakes import OURS

COMMITTED = Path(__file__).parents[2] / "reports" / "baseline"
KEY: tuple[str, ...] = ("madeup", "toys", "digits", "test_accuracy", "regression-toy", OURS, "0")
OTHER = (*KEY[:-1], "1")
WAS = BaselineCorrelation(0.8, 12, 0)

Change = Callable[[int, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of one target and no curves, so that its report has few figures."""
    root = tmp_path_factory.mktemp("guarded") / "lake"
    lakes.publish(
        root,
        "ingest",
        sources=[lakes.source(lakes.BIG, "big")],
        metrics=[lakes.metric()],
        architectures=[lakes.architecture(i) for i in range(12)],
        truth=[lakes.truth(i, float(i)) for i in range(12)],
    )
    return lakes.publish(
        root, "scores", proxies=[lakes.proxy(OURS, "regression-toy")],
        scores=[lakes.score(i, OURS, float(-i if i % 3 else i)) for i in range(12)],
    )  # fmt: skip


@pytest.fixture
def copy(lake: Lake, tmp_path: Path) -> Callable[[Change], Path]:
    """A copy of the lake whose scores are replaced by others."""

    def replaced(change: Change) -> Path:
        root = tmp_path / "other"
        shutil.copytree(lake.root, root)
        shutil.rmtree(root / "parts" / lakes.BENCHMARK / "scores")
        checksums.renew_list(root)
        scores = [change(i, lakes.score(i, OURS, float(-i if i % 3 else i))) for i in range(12)]
        lakes.publish(root, "other", proxies=[lakes.proxy(OURS, "regression-toy")], scores=scores)
        return root

    return replaced


@pytest.fixture(scope="module")
def good(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "good"
    assert report(lake.root, out) == 0
    return out


def report(lake: Path, out: Path, *more: object) -> int:
    return exit_code("report", "--lake", lake, "--out", out, *more)


def test_the_same_lake_passes_with_the_same_bytes_and_so_does_one_with_a_new_row(
    lake: Lake, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(lake.root, tmp_path / "again", "--against", good) == 0
    assert f"1 row is as in {good}" in capsys.readouterr().out
    assert (tmp_path / "again" / baseline.FILE).read_bytes() == (good / baseline.FILE).read_bytes()
    (tmp_path / "older").mkdir()
    header = (good / baseline.FILE).read_text().partition("\n")[0]
    (tmp_path / "older" / baseline.FILE).write_text(f"{header}\n")
    assert report(lake.root, tmp_path / "again", "--against", tmp_path / "older") == 0  # a new row is no fault
    assert [line.partition(" |")[0] for line in capsys.readouterr().out.splitlines() if OURS in line] == ["| new "]


def test_a_flipped_sign_fails_after_the_report_and_names_the_row(
    good: Path,
    copy: Callable[[Change], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    flipped = copy(lambda _, score: {**score, "value": -score["value"]})
    assert report(flipped, tmp_path / "new", "--against", good) == 1
    output = capsys.readouterr()
    [row] = [line for line in output.out.splitlines() if line.startswith("| rho moved")]
    assert "regression-toy" in row and OURS in row and "→ -0." in row
    assert row in (tmp_path / "summary.md").read_text()
    assert output.err.startswith("error: 1 row is not as in") and output.err.count("\n") == 1
    assert (tmp_path / "new" / "index.html").exists()


def test_one_score_out_of_its_place_and_a_failure_are_found(
    good: Path, copy: Callable[[Change], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def odd(i: int, score: dict[str, Any]) -> dict[str, Any]:
        return {**score, "value": 99.0} if i == 4 else score if i else {**score, "value": None, "status": "failed"}

    assert report(copy(odd), tmp_path / "new", "--against", good) == 1
    [row] = [line for line in capsys.readouterr().out.splitlines() if "regression-toy" in line and "→" in line]
    assert row.startswith("| rho moved, fewer architectures, more failures |") and "| 12 → 11 | 0 → 1" in row


@pytest.mark.parametrize(
    ("now", "faults"),
    [
        (BaselineCorrelation(0.801, 12, 0), ()),
        (BaselineCorrelation(0.799, 13, 0), ()),
        (BaselineCorrelation(0.8011, 12, 0), ("rho moved",)),
        (BaselineCorrelation(-0.8, 12, 0), ("rho moved",)),
        (BaselineCorrelation(None, 12, 0), ("rho moved",)),
        (BaselineCorrelation(0.8, 11, 0), ("fewer architectures",)),
        (BaselineCorrelation(0.8, 12, 1), ("more failures",)),
        (None, ("vanished",)),
    ],
)
def test_a_row_that_moved_vanished_or_lost_architectures_is_at_fault(now: Any, faults: Any) -> None:
    differences = baseline.compare({KEY: WAS}, {} if now is None else {KEY: now})
    assert [d.faults for d in differences] == ([faults] if faults else [])


def test_a_new_row_is_named_and_no_fault_and_fewer_failures_are_none() -> None:
    before, now = {KEY: BaselineCorrelation(None, 0, 3)}, {KEY: BaselineCorrelation(None, 0, 2), OTHER: WAS}
    [new] = baseline.compare(before, now)
    assert (new.key, new.faults) == (OTHER, ())
    *_, line = baseline.table([new]).splitlines()
    assert line.startswith("| new ") and "– → 0.8000" in line


def test_a_table_is_aligned_and_a_bar_in_a_name_stays_in_its_cell() -> None:
    odd = (*KEY[:4], "a|b", *KEY[5:])
    lines = baseline.table(baseline.compare({odd: WAS, KEY: WAS}, {})).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "a\\|b" in lines[2]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "{}", None])
def test_what_is_no_baseline_is_one_line_before_anything_is_written(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    if text is not None:
        (tmp_path / baseline.FILE).write_text(text)
    code = report(lake.root, tmp_path / "out", "--against", tmp_path)
    error = capsys.readouterr().err
    assert code == 1 and baseline.FILE in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_committed_baseline_is_of_todays_proxies_and_the_listed_architectures() -> None:
    """A configuration that changes gets another identity, and then its row in the baseline would vanish."""
    listed = (COMMITTED / "architectures.txt").read_text().split()
    bench = benchmarks.load("nasbench201")
    assert len({json.dumps(bench.canonical("topology", line)) for line in listed}) == len(listed) == 10
    rows = baseline.read(COMMITTED)
    identities = {regression.load(str(path), None).proxy_id for path in COMMITTED.glob("*.toml")}
    assert identities <= {key[5] for key in rows}
    assert {(row.n, row.n_failed) for row in rows.values()} == {(len(listed), 0)}


def test_a_baseline_that_is_not_one_says_where(tmp_path: Path) -> None:
    (tmp_path / baseline.FILE).write_text("x\n1\n")
    with pytest.raises(UserError, match=r"correlations\.csv is not the"):
        baseline.read(tmp_path)
    with pytest.raises(UserError, match=r"--against .*correlations\.csv is no folder: name that of an earlier report"):
        baseline.read(tmp_path / baseline.FILE)


def test_a_baseline_that_may_not_be_read_is_not_to_be_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(baseline, "read_file", closed)
    with pytest.raises(UserError, match=r"no permission while reading .*correlations\.csv: change the permissions"):
        baseline.read(tmp_path)
