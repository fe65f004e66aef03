"""Usage errors: empty values of any parameter of any command, and options that contradict one another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline import executor
from pipeline.cli import application as cli
from tests.fixtures.command import exit_code


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that name it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def parameters() -> Iterator[Any]:
    """The words of a command line for each parameter that takes a value, with an empty one in its place."""
    for path, command in commands(typer.main.get_command(cli.app)):
        needed = [one for one in command.params if one.param_type_name == "argument" and one.required]
        for parameter in command.params:
            if getattr(parameter, "is_flag", False) or parameter.name == "help":
                continue
            for empty in ("", " ") if parameter.param_type_name == "argument" else ("",):
                if parameter.param_type_name == "argument":
                    before = command.params[: command.params.index(parameter)]
                    words = [*(["x"] * len([one for one in before if one.param_type_name == "argument"])), empty]
                else:
                    words = [*(["x"] * len(needed)), parameter.opts[0], empty]
                yield pytest.param([*path, *words], parameter, id=f"{' '.join(path)} {parameter.opts[0]} {empty!r}")


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command line that is not refused must not begin to work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPELINE_LAKE", str(tmp_path / "no lake"))
    monkeypatch.setattr(executor, "opened", None)


def last_line(words: list[str]) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, words)
    return result.exit_code, (result.output.splitlines() or [""])[-1]


@pytest.mark.parametrize(("words", "parameter"), list(parameters()))
def test_an_empty_value_is_a_usage_error_that_names_the_parameter(words: list[str], parameter: Any) -> None:
    code, line = last_line(words)
    assert code == 2 and "the value is empty: give one" in line
    assert parameter.opts[0].lstrip("-") in line.lower().replace("{", "").replace("[", "")
    assert line.endswith("or leave it out") != parameter.required


NUMBERS = [one for one in parameters() if one.values[1].min is not None]
ODD = (
    "1e400",
    "nan",
    "-inf",
    "1_000",
    "\uff15",
    "0x10",
    "true",
    "1/2",
    "1,5",
    "5 6",
    "5\0",
    "-1",
    str(2**63),
    "9" * 500,
)
ODD_WHOLE = ("1e3", "5.0")


@pytest.mark.parametrize(("words", "parameter"), NUMBERS)
def test_an_odd_number_is_a_usage_error_that_names_the_parameter_and_its_bounds(
    words: list[str], parameter: Any
) -> None:
    whole = isinstance(parameter.min, int)
    most = "2^63 - 1" if parameter.max is None else f"{parameter.max:g}" if not whole else parameter.max
    for number in (*ODD, *(ODD_WHOLE if whole else ())):
        code, line = last_line([*words[:-1], number])
        assert code == 2 and parameter.opts[0] in line, line
        span = f"{'whole number' if whole else 'number'} from {parameter.min:g} to {most}"
        assert line.endswith(f"where a {span} is expected") or line.endswith("number is expected"), line


def test_seeds_are_at_most_ten_thousand() -> None:
    for seeds in ("0-10000", "0-4999,5000-9999,10000", "0-999999999999999999"):
        code, line = last_line(["search", "nds", "--seeds", seeds])
        assert code == 2 and "at most 10,000 seeds" in line


CONTRADICTIONS = {
    "tune nasbench201 --budget 5": "--budget has no effect without --method evolution: leave it out",
    "tune nasbench201 --workers 2 --evaluate": "--workers has no effect beside --evaluate",
    "tune nasbench201 --method ridge --transfer": "--method has no effect beside --transfer",
    "tune nasbench201 --draws 5": "--draws has no effect without --evaluate or --transfer",
    "tune nasbench201 --method evolution --use params": "--use has no effect with --method evolution",
    "ingest nasbench201 t.csv --mapping a --recipe b": "--recipe is the former name of --mapping: give one of them",
    "run nasbench201 t.csv --recipe=a --mapping=b": "--recipe is the former name of --mapping: give one of them",
    "ingest --mappings nasbench201": "leave one of the two out",
    "ingest --mappings --curves": "--curves has no effect beside --mappings",
    "ingest nasbench201 t.csv --mapping a --curves": "--curves has no effect on a table",
    "query FROM --examples": "--examples lists the examples and answers no SQL",
    "query --examples --file a.sql": "--file has no effect beside --examples",
    "query --examples --format csv": "--format has no effect beside --examples",
    "score nasbench201 --sample-seed 5": "--sample-seed has no effect without --sample",
    "run nasbench201 t.csv --sample-seed 5": "--sample-seed has no effect without --sample",
    "run nasbench201 t.csv --mapping a --curves": "--curves has no effect on a table",
    "query FROM --param a=1 --param a=2": "--param a is given twice",
    "query FROM --force": "--force has no effect without --out",
    "search nds --force": "--force has no effect without --out",
    "search nds --method random --population 9": "--population has no effect on a random search",
    "search nds --stored --workers 2": "--workers has no effect with --stored",
    "score nasbench201 --proxy aggregate-az-nas --sample 5": "--sample has no effect on an aggregate",
    "score nasbench201 --proxy aggregate-az-nas --images synthetic-noise": "--images has no effect on an aggregate",
}


@pytest.mark.parametrize(("words", "says"), CONTRADICTIONS.items(), ids=CONTRADICTIONS)
def test_options_that_do_not_go_together_are_a_usage_error(words: str, says: str) -> None:
    code, line = last_line(words.split())
    assert code == 2 and says in line


@pytest.mark.parametrize(("words", "parameter"), [p for p in parameters() if p.values[1].param_type_name == "option"])
def test_a_second_value_is_a_usage_error_unless_an_option_takes_several(words: list[str], parameter: Any) -> None:
    line = last_line([*words[:-1], "1", f"{parameter.opts[0]}=2"])[1]
    do = "write 0,3,5 or 0-19" if parameter.name == "seeds" else "give one, or run the command for each"
    refused = f"'{parameter.opts[0]}'" in line and line.endswith(f": given 2 times, and it takes one value: {do}")
    assert refused != bool(parameter.multiple)


PATHS = [
    one for one in parameters() if any(word in one.id for word in ("--lake", "--only", "--file", "--history", "paths"))
]


@pytest.mark.parametrize(("words", "parameter"), PATHS)
def test_what_cannot_be_read_is_no_usage_error(
    words: list[str], parameter: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may read anything
    assert "not readable" not in last_line([*words[:-1], str(tmp_path)])[1], parameter


def test_an_option_wins_over_the_environment_and_a_flag_may_be_repeated(tmp_path: Path) -> None:
    code, line = last_line(["query", "FROM scores", "--quiet", "--quiet", "--lake", str(tmp_path / "other")])
    assert code == 1 and "given" not in line


@pytest.mark.parametrize("words", ["tune nasbench201 --budget 5 --help", "ingest --mappings"])
def test_help_and_what_goes_together_is_answered(words: str) -> None:
    assert last_line(words.split())[0] == 0


def test_the_output_of_a_search_is_looked_at_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "best.jsonl").write_text("mine")
    for out, says in (("best.jsonl", "exists and stays as it is"), ("none/best.jsonl", "no folder none")):
        assert (
            exit_code("search", "nasbench201", "--proxy", "no such proxy", "--out", out) == 1
            and says in capsys.readouterr().err
        )
    assert (tmp_path / "best.jsonl").read_text() == "mine"


def test_a_file_of_sql_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code("query", "--file", "nope.sql")
    assert capsys.readouterr().err == "error: --file nope.sql cannot be read: No such file or directory\n"
