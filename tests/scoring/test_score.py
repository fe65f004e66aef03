"""Scoring: nothing lost, nothing twice, the same bits whatever the workers and interruptions."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline import benchmarks, executor
from pipeline.benchmarks.nasbench201 import network
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.lake import checksums, locations
from pipeline.lake.store import Lake
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan, sampled
from tests.fixtures.command import exit_code
from tests.fixtures.lake_content import rows
from tests.fixtures.lines import refused
from tests.fixtures.tiny_scoring import cell, losses, plan, preset

PLACE = ("nasbench201", "topology")


@pytest.fixture
def cells(lake: Path) -> Path:
    """A lake of 40 architectures of NAS-Bench-201."""
    batch = SourceRows("nasbench201")
    for number in range(40):
        batch.add_architecture("topology", {"cell": cell(number * 389)}, str(number))
    rows = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows.to_pylist()})
    return lake


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cell in each stack of a network, not five; in other processes `shallow_command` sees to it."""
    monkeypatch.setattr(network, "TOPOLOGY_CELLS", 1)


def shallow_command(lake: Path, path: Path, *more: str) -> list[str]:
    words = ["score", "nasbench201", "--lake", str(lake), "--proxy", str(path), *more]
    return [sys.executable, "-m", "tests.fixtures.shallow_scoring", *words]


def wait_for_scores(lake: Path, at_least: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 300  # a busy machine takes its time to import torch three times
    parts = 0
    while process.poll() is None:
        if parts != (parts := len(list(lake.glob("parts/*/*/scores.parquet")))) and len(rows(lake)) >= at_least:
            return
        assert time.monotonic() < end, "no score was stored in five minutes"
        time.sleep(0.05)


def test_samples_are_nested_and_depend_on_the_seed(cells: Path) -> None:
    small = sampled(Lake(cells), *PLACE, 0, 5)
    large = sampled(Lake(cells), *PLACE, 0, 12)
    assert set(small) < set(large) and len(large) == 12
    assert set(sampled(Lake(cells), *PLACE, 1, 12)) != set(large)
    assert len(sampled(Lake(cells), *PLACE, 0, None)) == 40


@pytest.mark.usefixtures("shallow")
def test_a_second_run_has_nothing_to_do_and_a_larger_sample_only_the_rest(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path)
    first = score.run(cells, plan(path), sample=3)
    assert (first.asked, first.before, first.statuses) == (3, 0, {"ok": 3})
    again = score.run(cells, plan(path), sample=3)
    assert (again.before, again.scored) == (3, 0)
    assert score.run(cells, plan(path), sample=5).statuses == {"ok": 2}
    assert score.run(cells, plan(path, seed=1), sample=2).before == 0
    scored = [(r["arch_id"], r["seed"]) for r in rows(cells)]
    assert len(scored) == len(set(scored)) == 7


@pytest.mark.usefixtures("shallow")
def test_a_run_with_nothing_to_do_imports_nothing_slow(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path)
    score.run(cells, plan(path), sample=3)
    program = (
        "import sys; from pipeline import cli\ntry: cli.main()\nfinally: print({'torch', 'pandas'} & {*sys.modules})"
    )
    words = ["score", "nasbench201", "--lake", str(cells), "--proxy", str(path), "--sample", "3"]
    said = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True).stdout
    assert "nothing to do" in said and said.splitlines()[-1] == "set()"


@pytest.mark.usefixtures("shallow")
def test_a_run_says_what_was_asked_and_tells_no_folder(cells: Path, tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text(cell(389))
    score.run(cells, plan(preset(tmp_path)), only=listed)
    run = rows(cells, "runs")[0]
    arguments = json.loads(run["arguments"])
    assert locations.read_paths(cells, run["run_id"]) == {"only": str(listed), "proxy": str(tmp_path / "tiny2.toml")}
    assert (arguments["proxy"], arguments["only"], arguments["seed"]) == ("tiny2.toml", "listed.txt", 0)
    assert not [run for run in rows(cells, "runs") if str(tmp_path) in run["arguments"]]


def test_two_workers_give_the_bits_of_one(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path)
    other = tmp_path / "other"
    Lake(other, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows(cells, "architectures")})
    score.run(cells, plan(path), sample=4, workers=1)
    score.run(other, plan(path), sample=4, workers=2)
    assert losses(cells) == losses(other) and len(losses(cells)) == 24
    assert {r["arch_id"]: r["value"] for r in rows(cells)} == {r["arch_id"]: r["value"] for r in rows(other)}


@pytest.mark.usefixtures("shallow")
def test_kill_9_twice_and_a_third_run_complete_the_sample_bit_for_bit(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path, 4)
    sample = ("--sample", "12", "--workers", "2")
    for stored in (1, 4):
        process = subprocess.Popen(shallow_command(cells, path, *sample), stderr=subprocess.PIPE, text=True)
        wait_for_scores(cells, stored, process)
        process.kill()
        process.communicate()
    score.run(cells, plan(path), sample=12)
    stored_ids = [r["arch_id"] for r in rows(cells)]
    assert len(stored_ids) == len(set(stored_ids)) == 12
    whole = tmp_path / "whole"
    Lake(whole, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows(cells, "architectures")})
    score.run(whole, plan(path), sample=12, workers=1)
    assert losses(cells) == losses(whole)
    assert not [p for p in (cells / ".staging").iterdir() if p.is_dir()]  # what the killed left is swept


@pytest.mark.usefixtures("shallow")
def test_two_processes_on_one_lake_share_the_work(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path)
    asked = shallow_command(cells, path, "--sample", "10", "--workers", "1")
    both = [subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [p.returncode for p in both] == [0, 0], said
    scored = [r["arch_id"] for r in rows(cells)]
    assert len(scored) == len(set(scored)) == 10


@pytest.mark.usefixtures("shallow")
def test_ctrl_c_stores_what_is_done_and_says_how_to_go_on(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path, 12)  # of which thirty take longer than the signal
    process = subprocess.Popen(
        shallow_command(cells, path, "--sample", "30", "--workers", "2"),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for_scores(cells, 1, process)
    before = len(rows(cells))
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 130 and "the same command goes on" in error and "Traceback" not in error
    assert len(rows(cells)) >= before
    states = [(r["status"], r["finished_at"] is None) for r in rows(cells, "runs")]
    assert sorted(set(states)) == [("interrupted", False), ("running", True)]  # a row more where a worker tells its own
    assert states.count(("interrupted", False)) == 1


@pytest.mark.usefixtures("shallow")
def test_a_full_disk_is_one_line_and_loses_nothing_stored(cells: Path, tmp_path: Path) -> None:
    path = preset(tmp_path)
    score.run(cells, plan(path), sample=2)
    full = [
        sys.executable, "-c",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1500,) * 2); from pipeline import cli; cli.main()",
        *shallow_command(cells, path, "--sample", "4", "--workers", "1")[3:],
    ]  # fmt: skip
    done = subprocess.run(full, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no space left" in done.stderr and "Traceback" not in done.stderr
    assert len(rows(cells)) == 2
    assert score.run(cells, plan(path), sample=4).statuses == {"ok": 2}


@pytest.mark.usefixtures("shallow")
def test_where_the_list_of_parts_has_no_room_scores_and_the_end_of_the_run_are_stored_once(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = preset(tmp_path)
    recorded = checksums.record

    def full(root: Path, part: str) -> None:
        if not part.endswith("-00001"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        recorded(root, part)

    monkeypatch.setattr(checksums, "record", full)
    with refused("no space left while writing"):
        score.run(cells, plan(path), sample=3, workers=1)
    assert len(rows(cells, "scores")) == 3
    assert [row["status"] for row in rows(cells, "runs") if row["status"] == "failed"] == ["failed"]


@pytest.mark.usefixtures("shallow")
def test_failures_are_rows(cells: Path, tmp_path: Path) -> None:
    done = score.run(cells, plan(preset(tmp_path, 3, "learning_rate = 1e30")), sample=3)
    assert done.statuses == {"diverged": 3}
    assert all(r["value"] is None and "not finite" in r["reason"] for r in rows(cells))
    assert all(r["seconds"] > 0 for r in rows(cells))


@pytest.mark.usefixtures("shallow")
def test_a_list_of_architectures_is_scored_whether_or_not_it_was_ingested(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{cell(7)}\n\n{cell(11)}\n")
    done = score.run(cells, plan(preset(tmp_path)), only=listed)
    assert (done.asked, done.scored) == (2, 2)
    listed.write_text(f"{cell(7)}\n|nor_conv_3x4~0|+|none~0|none~1|+|none~0|none~1|none~2|\n")
    with pytest.raises(UserError, match=r"line 2: .*nor_conv_3x4.*did you mean nor_conv_3x3"):
        score.run(cells, plan(preset(tmp_path)), only=listed)


def test_a_list_holds_architectures_as_tables_hold_them(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = benchmarks.load("nasbench201")

    def canonical(space: str, architecture: object) -> Any:
        numbers = architecture["numbers"] if isinstance(architecture, dict) else architecture
        if not isinstance(numbers, list):
            raise UserError(f"{numbers} is no list")
        return shipped.canonical(space, cell(sum(numbers)))

    monkeypatch.setattr(benchmarks, "load", lambda _: replace(shipped, canonical=canonical))
    listed, params = tmp_path / "list.txt", Plan("nasbench201", "topology", "params", None, 0, "cpu")
    listed.write_text('[7]\n"[10, 1]"\n(1, 2)\n{"numbers": [5]}\n"{""numbers"": [3]}"\n{\'numbers\': [11]}\n')
    assert score.run(cells, params, only=listed, executor=executor.Executor("inline")).statuses == {"ok": 4}
    for mark in "\"'":
        listed.write_text('[7]\n{"numbers": [7], "numbers": [8]}\n'.replace('"', mark))
        with refused("line 2", "the key 'numbers' occurs twice in one object"):
            score.run(cells, params, only=listed)


@pytest.mark.parametrize("text", ["", "\n\n", "arch_id\n"])
def test_a_list_of_nothing_is_refused(cells: Path, tmp_path: Path, text: str) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(text)
    with pytest.raises(UserError, match=r"--only .*list\.txt lists no architecture"):
        score.run(cells, plan(preset(tmp_path)), only=listed)


@pytest.mark.usefixtures("shallow")
def test_a_list_may_hold_what_a_query_answers(cells: Path, tmp_path: Path) -> None:
    (first, second), listed = (
        sorted({row["arch_id"] for row in rows(cells, "architectures")})[:2],
        tmp_path / "list.csv",
    )
    listed.write_text(f"arch_id\r\n{first}\r\n{cell(7)}\r\n{second}\r\n{first}\r\n", newline="")
    assert score.run(cells, plan(preset(tmp_path)), only=listed).scored == 3
    for header in ("arch_id", "spec", '"Arch"', "architecture", "\n\nspec"):
        listed.write_text(f"{header}\n{first}\n")
        assert score.run(cells, plan(preset(tmp_path)), only=listed).asked == 1
    for header in ("index", "arch,rank", "name of it"):
        listed.write_text(f"{header}\n{first}\n")
        with refused("list.csv, line 1: ", "; if it is a header, write arch_id alone"):
            score.run(cells, plan(preset(tmp_path)), only=listed)
    assert {first, second} < {row["arch_id"] for row in rows(cells)}
    for header in ("arch_id,value", '"value";"arch_id"'):
        listed.write_text(f"{header}\n{first},1.5\n")
        with refused("list.csv has other columns, too (", "): select arch_id alone, as CSV"):
            score.run(cells, plan(preset(tmp_path)), only=listed)
    for number, unknown, lines in ((2, "0" * 16, f"{first}\n{'0' * 16}\n"), (1, "f" * 16, f"{'f' * 16}\n{first}\n")):
        listed.write_text(lines)
        with pytest.raises(
            UserError, match=f"line {number}: no architecture {unknown} of nasbench201/topology is ingested$"
        ):
            score.run(cells, plan(preset(tmp_path)), only=listed)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["score", "nasbench210"], 1, "unknown benchmark 'nasbench210': did you mean nasbench201"),
        (["score", "nasbench201", "--proxy", "regression-n11"], 1, "unknown proxy 'regression-n11': did you mean"),
        (["score", "nasbench201", "--space", "sizes"], 1, "unknown space of nasbench201 'sizes': did you mean size"),
        (["score", "nasbench201", "--space", "size"], 1, "holds no architectures of nasbench201/size"),
        (["score", "nasbench201", "--images", "synthetic-noize"], 1, "did you mean noise"),
        (["score", "nasbench201", "--images", "/nowhere"], 1, "does not exist"),
        (["score", "nasbench201", "--sample", "0"], 2, "--sample"),
        (["score", "nasbench201", "--sample", "1", "--only", "x"], 2, "exclude each other"),
        (["score", "nasbench201", "--device", "tpu"], 2, "--device"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_the_lake_alone(
    cells: Path, arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.stat().st_mtime_ns for p in sorted(cells.rglob("*")) if p.is_file()}
    assert exit_code(*arguments, "--lake", cells) == code
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert code == 2 or error.count("\n") == 1
    assert {p: p.stat().st_mtime_ns for p in sorted(cells.rglob("*")) if p.is_file()} == before


@pytest.fixture
def arithmetic_as_before() -> Iterator[None]:
    """torch's settings for a card are those of the process."""
    backends: Any = torch.backends
    places = (backends, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul)
    precisions = [place.fp32_precision for place in places]
    settings = backends.cudnn.deterministic, backends.cudnn.benchmark
    yield
    for place, precision in zip(places, precisions, strict=True):
        place.fp32_precision = precision
    backends.cudnn.deterministic, backends.cudnn.benchmark = settings


@pytest.mark.usefixtures("arithmetic_as_before")
@pytest.mark.parametrize("at", ["set_device", "set_per_process_memory_fraction", "current_device"])
@pytest.mark.parametrize("proxy", ["trained", "zero-cost"])
def test_a_card_that_others_have_taken_ends_the_run_in_one_line(
    cells: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at: str,
    proxy: str,
) -> None:
    def busy(*arguments: Any) -> None:
        raise torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCompile with")

    monkeypatch.setattr(executor, "device_of", lambda name: (name, "a card"))
    for name in ("set_device", "set_per_process_memory_fraction", "current_device"):
        monkeypatch.setattr(torch.cuda, name, busy if name == at else lambda *_: 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    name = str(preset(tmp_path)) if proxy == "trained" else proxy
    assert exit_code("score", "nasbench201", "--lake", cells, "--device", "cuda", "--proxy", name) == 1
    error = capsys.readouterr().err
    assert "the card failed" in error and "busy or unavailable" in error
    assert "Traceback" not in error and error.splitlines()[-1].startswith("error: ")


def test_no_lake_and_a_newer_lake_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for make, says in (
        (lambda p: None, "run `pipeline ingest` first"),
        (lambda p: (p.mkdir(), (p / "lake.json").write_text(json.dumps({"format": 99}))), "newer version"),
        (lambda p: (p.mkdir(exist_ok=True), (p / "lake.json").write_text("no json")), "cannot be read as the marker"),
    ):
        make(tmp_path / "lake")
        assert exit_code("score", "nasbench201", "--lake", tmp_path / "lake") == 1 and says in capsys.readouterr().err
