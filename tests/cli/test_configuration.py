"""pipeline.toml: what it sets, what wins over it, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import progress
from pipeline.benchmarks.parameter_check import ParameterCheck
from pipeline.cli import application as cli
from pipeline.cli import check, configuration
from pipeline.executor import processes
from pipeline.scoring import run as scoring
from pipeline.scoring.plan import Plan
from pipeline.scoring.run import ScoringSummary
from tests.fixtures import lakes
from tests.fixtures.command import exit_code


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELINE_LAKE", raising=False)


def run(*words: str, code: int = 0, **environment: str) -> str:
    result = CliRunner().invoke(cli.app, list(words), env=environment)
    assert result.exit_code == code, result.output
    return result.output + str(result.exception or "")


def test_an_option_wins_over_the_environment_and_that_over_the_file() -> None:
    for number, name in enumerate(("file", "environment", "option"), 1):
        lakes.publish(Path(name), "a", architectures=[lakes.architecture(i) for i in range(number)])
    Path("pipeline.toml").write_text('lake = "file"\n')
    words = ("query", "SELECT count(*) AS n FROM architectures", "--format", "csv")
    assert run(*words) == "n\n1\n"
    assert run(*words, PIPELINE_LAKE="environment") == "n\n2\n"
    assert run(*words, "--lake", "option", PIPELINE_LAKE="environment") == "n\n3\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("lak = 1", "unknown key 'lak': did you mean lake?"),
        ("[tool.pipeline]\nlake = 'x'", "unknown key 'tool'"),
        ("workers = 0", "workers is 0: write a whole number from 1 to 10000"),
        ("workers = 10001", "workers is 10001"),
        ("workers = true", "workers is True: write a whole number from 1"),
        ("workers = '2'", "workers is '2'"),
        ("lake = 3", "lake is 3: write the path of a folder"),
        ("lake = ''", "lake is ''"),
        ("images = ['a']", "images is ['a']"),
        ("lake = ", "is not TOML"),
        ("workers = 1e400", "workers is inf"),
        ("lake = 'a\\u0000b'\n\x01", "is not TOML"),
        ('lake = "a\\u0000b"', r"lake is 'a\x00b': write the path of a folder"),
        ('lake = "a\\nb"', r"lake is 'a\nb': write the path of a folder"),
    ],
)
def test_a_bad_file_is_one_line(content: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pipeline.toml").write_text(content)
    code = exit_code("query", "FROM scores")
    error = capsys.readouterr().err
    assert code == 1 and says in error and error.count("\n") == 1 and "pipeline.toml" in error


def test_a_folder_of_that_name_is_one_line_and_help_does_not_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pipeline.toml").mkdir()
    exit_code("query", "FROM scores")
    assert capsys.readouterr().err.count("\n") == 1
    assert "One SELECT." in run("query", "--help")


def test_a_link_that_leads_nowhere_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pipeline.toml").symlink_to("nowhere")
    code = exit_code("query", "FROM scores")
    error = capsys.readouterr().err
    assert code == 1 and "pipeline.toml cannot be read: No such file" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [["status"], ["query", "FROM scores"], ["doctor"], ["report"], ["report", "--lake", "{lake}"],
     ["query", "FROM scores", "--out", "x", "--lake", "{lake}"], ["export", "--parquet", "x", "--lake", "{lake}"]],
)  # fmt: skip
def test_a_working_folder_that_is_gone_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = lakes.empty(tmp_path / "lake") if "{lake}" in words else None
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        code = exit_code(*(word.replace("{lake}", str(lake and lake.root)) for word in words))
    finally:
        monkeypatch.undo()
    error = capsys.readouterr().err
    assert code == 1 and error.count("\n") == 1 and "standard output" not in error
    assert lake is None or "the working folder is not there any more" in error


def test_workers_and_images_of_the_file_reach_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, int | None]] = []

    def instead(_lake: Path, plan: Plan, *, workers: int | None, **_: object) -> ScoringSummary:
        seen.append((plan.images, workers))
        return ScoringSummary("params", 1, 0, 1, 1, {}, 0.0)

    monkeypatch.setattr(scoring, "run", instead)
    Path("pipeline.toml").write_text('images = "synthetic-noise"\nworkers = 3\n')
    for benchmark, images in (("nasbench201", "noise"), ("nasbench_nlp", None)):  # sequences are synthetic
        run("score", benchmark, "--proxy", "params")
        assert seen.pop() == (images, 3)
    run("score", "nasbench201", "--proxy", "params", "--executor", "inline")  # has one worker, whatever the file says
    assert "leave --workers out" in run("score", "nds", "--executor", "inline", "--workers", "3", code=2)


def test_workers_of_a_shared_file_are_as_many_as_the_machine_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    def instead(*_: object, workers: int | None, **__: object) -> ScoringSummary:
        return ScoringSummary(f"with {workers}", 1, 0, 1, 1, {}, 0.0)

    monkeypatch.setattr(processes, "_cores", lambda: 2)
    monkeypatch.setattr(scoring, "run", instead)
    Path("pipeline.toml").write_text("workers = 64\n")
    words = ("score", "nasbench201", "--proxy", "params")
    said = run(*words)
    assert said.startswith("warning: pipeline.toml asks for 64 workers, and this machine takes 8\nwith 8: ")
    for more, workers in ((("--executor", "inline"), 64), (("--executor", "ray"), 64), (("--workers", "32"), 32)):
        assert run(*words, *more).startswith(f"with {workers}: ")  # which has one, takes them, or is refused


def test_outside_of_a_command_nothing_is_from_the_file() -> None:
    configuration.begin(None)
    assert not configuration.is_from_file("images") and not configuration.is_given("workers")


def test_quiet_leaves_out_summaries_and_progress_and_keeps_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lakes.made_up(Path("a"))
    assert run("merge", "a", "--lake", "b", "--quiet") == ""
    assert "no scores to take" in run("merge", "a", "--lake", "b")
    assert run("query", "SELECT 1 AS n", "--lake", "a", "--quiet", "--format", "csv") == "n\n1\n"
    Path("m.toml").write_text('name = "mine"\nbenchmark = "nasbench210"\n')
    Path("t.csv").write_text("arch,acc\n")
    assert "m.toml:2: unknown benchmark" in run("mapping", "check", "m.toml", "t.csv", "--quiet", code=1)
    found = ParameterCheck("f.json", checked=3)
    Path("f.json").touch()
    monkeypatch.setattr(check, "compare_networks", lambda *_: [found])
    assert run("check", "nds", "f.json", "--quiet") == f"{found.line}\n"
    progress.silence(True)
    with progress.progress("counting", 3) as advance:
        advance(3)
    progress.silence(False)
    assert capsys.readouterr().err == ""
