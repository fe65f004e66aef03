"""The Network Design Spaces from the command line: parameters checked against the files, and scores of every space."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.benchmarks.nds import architectures, checking, residual_spaces
from pipeline.benchmarks.parameter_check import drawn
from pipeline.cli import application as cli
from pipeline.formats import json_arrays
from pipeline.lake.store import Lake
from tests.fixtures import nds_files


@pytest.mark.parametrize("space", ["darts", "nasnet", "resnet", "resnext-a"])
def test_a_file_that_agrees_is_confirmed(tmp_path: Path, space: str) -> None:
    path = nds_files.write(tmp_path / nds_files.FILES[space], [nds_files.stated(space, n) for n in range(4)])
    [result] = checking.check(path, 50)
    assert result.confirmed and result.line == (
        f"{path.name}: 4 networks built, all with the parameters that the file states"
    )


def test_auxiliary_heads_count(tmp_path: Path) -> None:
    job = nds_files.stated("darts", 0, aux=True)
    path = nds_files.write(tmp_path / "DARTS.json", [job])
    assert checking.check(path, 50)[0].confirmed
    job["net"]["aux"] = False
    [result] = checking.check(nds_files.write(path, [job]), 50)
    assert (result.checked, result.differing) == (1, 1)


def test_reading_num_gs_as_a_width_is_exposed(tmp_path: Path) -> None:
    """Had the networks been trained with groups of num_gs channels, every file would say so."""
    jobs = []
    for number in range(6):
        network = nds_files.net("resnext-a", number)
        widths = [w * m for w, m in zip(network["ws"], network["bot_muls"], strict=True)]
        by_width = [1, *(int(w // g) for w, g in zip(widths[1:], network["num_gs"][1:], strict=True))]
        trained = architectures.canonical("resnext-a", network | {"num_gs": by_width})
        jobs.append(nds_files.job(network, params=residual_spaces.parameters(trained)))
    [result] = checking.check(nds_files.write(tmp_path / "ResNeXt-A.json", jobs), 50)
    assert (result.checked, result.differing) == (6, 6)
    first = residual_spaces.parameters(architectures.canonical("resnext-a", jobs[0]["net"]))
    assert f'the first is [0]: {first:,} built, {jobs[0]["params"]:,} stated, {{"block_type":' in result.line
    assert result.largest == max(
        abs(residual_spaces.parameters(architectures.canonical("resnext-a", j["net"])) / j["params"] - 1) for j in jobs
    )


def test_a_sample_is_spread_over_the_file_and_the_same_each_time(tmp_path: Path) -> None:
    jobs = [nds_files.stated("resnet", 0) | {"params": 1} for _ in range(400)]
    path = nds_files.write(tmp_path / "ResNet.json", jobs)
    first, second = ([p for p, _ in drawn(json_arrays.read(path), 20, lambda pair: pair)] for _ in range(2))
    assert first == second and len(set(first)) == 20
    places = [int(p.strip("[]")) for p in first]
    assert places == sorted(places) and min(places) < 100 and max(places) >= 300


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        cli.main([str(a) for a in arguments])
    except SystemExit as exit_:
        code = exit_.code
    else:
        code = 0
    said = capsys.readouterr()
    return int(code or 0), said.out, said.err


def test_ingest_tells_at_once_and_keeps_what_the_file_says(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = nds_files.write(tmp_path / "ResNet.json", [nds_files.stated("resnet", n) for n in range(3)])
    code, out, err = run(capsys, "ingest", "nds", good, "--lake", lake)
    assert (code, err) == (0, "") or "ingesting" in err
    assert "3 networks built, all with the parameters" in out
    wrong = nds_files.write(
        tmp_path / "Vanilla.json", [nds_files.stated("vanilla", n) | {"params": 77} for n in range(3)]
    )
    code, out, err = run(capsys, "ingest", "nds", wrong, "--lake", lake)
    assert (
        code == 1 and "error: the networks built are not confirmed by Vanilla.json; what the files say is stored" in err
    )
    assert "3 of 3 networks built have other parameters" in out
    truth = Lake(lake).read("truth", "nds").to_pylist()
    assert {r["value"] for r in truth if r["space"] == "vanilla" and r["metric"] == "params"} == {77}
    code, out, err = run(capsys, "ingest", "nds", wrong, "--lake", lake)
    assert code == 0 and "already ingested" in out and "networks built" not in out


def test_check_is_a_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = nds_files.write(tmp_path / "ResNet.json", [nds_files.stated("resnet", n) for n in range(3)])
    code, out, _ = run(capsys, "check", "nds", good, "--sample", 2)
    assert (code, out) == (0, "ResNet.json: 2 networks built, all with the parameters that the file states\n")
    wrong = nds_files.write(tmp_path / "DARTS.json", [nds_files.stated("darts", 0) | {"params": 7}, {}])
    code, out, err = run(capsys, "check", "nds", good, wrong)
    assert code == 1 and err == "error: the networks built are not confirmed by DARTS.json\n"
    assert out.count("\n") == 2 and "1 of 1 network built have other parameters" in out
    code, _, err = run(capsys, "check", "nds", nds_files.write(tmp_path / "ENAS.json", [{}]))
    assert code == 1 and "not confirmed by ENAS.json" in err
    code, _, err = run(capsys, "check", "nasbench201", good)
    assert code == 1 and "say nothing of their networks to check" in err
    code, _, err = run(capsys, "check", "nds", tmp_path / "ENAS_in.json")
    assert (code, err) == (1, f"error: {tmp_path / 'ENAS_in.json'} does not exist: did you mean ENAS.json?\n")
    code, _, err = run(capsys, "check", "nds", nds_files.write(tmp_path / "nothing.json", [{}]))
    assert code == 1 and "is not named like a published one" in err


COUNT = 5  # with the cells of so many, every operation of a space is drawn
STAGE = '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'


@pytest.mark.parametrize("space", nds_files.FILES)
def test_configurations_of_every_space_score_from_file_to_lake(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], space: str
) -> None:
    path = nds_files.configurations(tmp_path, space, COUNT)
    code, out, _ = run(capsys, "ingest", "nds", path, "--lake", lake)
    assert code == 1 and f"{COUNT} architectures" in out  # the made-up params are not those of the networks
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(f'name = "tiny"\niterations = 1\nevaluate_every = 1\n{STAGE * 3}')
    scoring = ("score", "nds", "--space", space, "--proxy", tiny, "--lake", lake, "--workers", 1, "--device", "cpu")
    code, out, err = run(capsys, *scoring)
    assert code == 0, err
    scores = Lake(lake).read("scores", "nds").to_pylist()
    assert [(r["space"], r["status"]) for r in scores] == [(space, "ok")] * COUNT
    assert {r["arch_id"] for r in scores} == {r["arch_id"] for r in Lake(lake).read("truth", "nds").to_pylist()}
