"""`pipeline tune`: its commands, and what it does without one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline import catalog
from pipeline.cli import application as cli
from pipeline.cli import tune
from pipeline.lake.store import Lake
from pipeline.tuning import evaluations, evolve, methods, weigh
from pipeline.tuning.data import TuningData
from pipeline.tuning.trials import TrainingSettings
from pipeline.tuning.tuned_proxy import TunedProxy
from tests.fixtures import lakes
from tests.fixtures.command import exit_code

PLACE = {"benchmark": "nasbench201", "space": "topology"}
Call = tuple[str, tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the command line asks of `pipeline.tuning`, in place of its being done."""
    asked: list[Call] = []

    def record(name: str, answer: Any) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            asked.append((name, values, named))
            return answer

        return call

    tuned = TunedProxy("tuned-1", Path("tuned-1.toml"), 0.5, 0, "mixed")
    monkeypatch.setattr(weigh, "weigh", record("weigh", tuned))
    monkeypatch.setattr(evaluations, "evaluate", record("evaluate", "here"))
    monkeypatch.setattr(evaluations, "transfer", record("transfer", ("elsewhere", ["left out"])))
    monkeypatch.setattr(evaluations, "table", lambda *judged: ["a table of", *judged])
    monkeypatch.setattr(evolve, "evolve", record("evolve", tuned))
    return asked


TERMS = ["--labels", "8", "--seed", "3", "--space", "size", "--use", "params", "--use", "naswot", "--coverage", "0.5"]
TASKS = ["--budget", "90", "--tasks", "7", "--population", "5", "--schedule", "regression-fast", "--device", "cpu"]
SAME = {
    "weigh": (["weigh", "nasbench201"], ["nasbench201"]),
    "weigh options": (
        ["weigh", "--method", "ridge", "nasbench201", *TERMS],
        ["--method", "ridge", "nasbench201", *TERMS],
    ),
    "evaluate": (["evaluate", "nasbench201", *TERMS], ["nasbench201", "--evaluate", *TERMS]),
    "transfer": (["transfer", "nasbench201", "--draws", "3"], ["--draws", "3", "nasbench201", "--transfer"]),
    "evolve": (["evolve", "nasbench201"], ["nasbench201", "--method", "evolution"]),
    "evolve options": (
        ["evolve", "nasbench201", "--labels", "8", *TASKS],
        ["nasbench201", "--method", "evolution", "--labels", "8", *TASKS],
    ),
}


@pytest.mark.parametrize(("command", "bare"), SAME.values(), ids=SAME)
def test_a_command_asks_what_bare_tune_asks(calls: list[Call], command: list[str], bare: list[str]) -> None:
    results = [CliRunner().invoke(cli.app, ["tune", *words]) for words in (command, bare)]
    assert [result.exit_code for result in results] == [0, 0], results
    assert results[0].output == results[1].output != ""
    assert len(calls) == 2 and calls[0] == calls[1]


def test_each_option_is_passed_on(calls: list[Call]) -> None:
    for words in (["weigh", "nasbench201", *TERMS, "--method", "ridge"], ["evolve", "nasbench201", *TASKS]):
        assert CliRunner().invoke(cli.app, ["tune", *words, "--lake", "there"]).exit_code == 0
    (_, weighed, _), (_, evolved, _) = calls
    data = TuningData("nasbench201", "size", 8, 3, ("params", "naswot"), 0.5)
    assert weighed == (Path("there"), data, "ridge")
    lake, data, training, settings = evolved
    assert (lake, data) == (Path("there"), TuningData("nasbench201", "topology"))
    assert training == TrainingSettings(None, "regression-fast", "cpu", None)
    assert (settings.population, settings.tournament, settings.tasks, settings.budget) == (5, 5, 7, 90)


def test_both_judgements_are_asked_for_at_once(calls: list[Call]) -> None:
    result = CliRunner().invoke(cli.app, ["tune", "nasbench201", "--evaluate", "--transfer"])
    assert (result.stdout, result.stderr) == ("a table of\nhere\nelsewhere\n", "left out\n")
    assert [name for name, _, _ in calls] == ["evaluate", "transfer"]


def test_what_bare_tune_finds_is_stored_and_the_command_finds_it_again(lake: Path) -> None:
    numbers = range(20)
    lakes.publish(
        lake, sources=[lakes.source(lakes.BIG, "big", benchmark="nasbench201")],
        metrics=[lakes.metric(benchmark="nasbench201")], proxies=[lakes.proxy(lakes.OURS, "naswot")],
        architectures=[lakes.architecture(i, **PLACE) for i in numbers],
        truth=[lakes.truth(i, float(i), **PLACE) for i in numbers],
        scores=[lakes.score(i, lakes.OURS, float((7 * i) % 11), **PLACE) for i in numbers],
    )  # fmt: skip
    words = ["nasbench201", "--lake", str(lake), "--labels"]
    first, second = (CliRunner().invoke(cli.app, ["tune", *command, *words, "8"]) for command in ([], ["weigh"]))
    assert first.exit_code == 0 and first.output == second.output
    (row,) = catalog.run_sql(Lake(lake), "FROM tunings").to_pylist()
    assert first.output.startswith(f"{row['name']}: mixed of ") and len(row["labels"]) == 8
    for command in ([], ["weigh"]):
        result = CliRunner().invoke(cli.app, ["tune", *command, *words, "21"])
        assert result.exit_code == 1 and "20 architectures have truth" in str(result.exception)


@pytest.mark.parametrize("words", [[], ["nasbench201", "--labels", "3"], ["nasbench201", "more"]], ids=str)
def test_a_usage_error_of_bare_tune_speaks_of_tune(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("tune", *words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["Usage: pipeline tune [OPTIONS] {benchmark}", "Try 'pipeline tune --help' for help."]


@pytest.mark.parametrize(
    ("words", "says"),
    [([], "Missing argument: name a benchmark"), (["wiegh", "nasbench201"], "'wiegh': did you mean weigh?")],
    ids=str,
)
def test_who_names_no_command_or_nearly_one_is_told_the_commands(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("tune", *words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert says in error and "weigh, evolve, evaluate, transfer" in error


def test_the_help_names_the_commands_and_the_methods_that_there_are() -> None:
    group: Any = typer.main.get_command(tune.tuning)
    assert {*tune.COMMANDS, tune.BARE} == set(group.commands)
    assert ", ".join(methods.METHODS) == tune.METHODS


def test_a_former_option_name_is_said_back_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_code("tune", "weigh", "nasbench201", "--recipe", "x")
    error = capsys.readouterr().err
    assert code == 2 and "No such option: --recipe" in error and "mapping" not in error


def test_a_benchmark_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("tune", "nasbench202") == 1
    assert capsys.readouterr().err.startswith("error: unknown benchmark 'nasbench202'")
