"""`pipeline query`: where its SQL comes from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import catalog
from pipeline.cli import application as cli
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.command import exit_code

EXAMPLES = catalog.queries("examples")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")


@pytest.mark.parametrize("name", ["rho_of_each_proxy", "failures_by_reason"])
def test_an_example_is_answered_by_its_name_as_by_its_file(lake: Lake, name: str) -> None:
    words = ["query", "--format", "csv", "--lake", str(lake.root)]
    by_name, by_file = (
        CliRunner().invoke(cli.app, [*words, *source])
        for source in (["--example", name], ["--file", str(EXAMPLES[name])])
    )
    assert by_name.exit_code == by_file.exit_code == 0
    assert by_name.output == by_file.output and len(by_name.output.splitlines()) > 1


def test_the_examples_are_listed_with_what_they_ask() -> None:
    result = CliRunner().invoke(cli.app, ["query", "--examples"])
    assert result.exit_code == 0
    lines = [re.split(r"\s{2,}", line, maxsplit=1) for line in result.output.splitlines()]
    assert [line[0] for line in lines] == list(EXAMPLES)
    assert all(len(line[1]) > 10 for line in lines)


def test_an_unknown_example_and_two_questions_at_once_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = {
        ("--example", "rho_of_each_prxy"): (1, "did you mean rho_of_each_proxy"),
        ("FROM scores", "--example", "rho_of_each_proxy"): (2, "--example NAME"),
        (): (2, "--example NAME"),
        ("--file", str(tmp_path / "none.sql")): (1, "cannot be read"),
        ("FROM scores", "--param", "x"): (2, "name=value"),
        ("FROM scores", "--format", "CSV"): (2, "Invalid value for '--format': 'CSV' is not one of 'table', 'csv'"),
    }
    for words, (code, message) in cases.items():
        assert exit_code("query", *words, "--lake", tmp_path) == code and message in " ".join(
            capsys.readouterr().err.split()
        )


def test_no_rows_for_a_mistyped_value_of_a_parameter_is_explained(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["query", "--lake", lake.root, "--example", "most_misjudged", "--format", "csv", "--param"]
    assert exit_code(*words, "proxy=regresion-toy") == 0
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 1, "the header"
    assert output.err == "warning: no rows: unknown proxy 'regresion-toy': did you mean regression-toy?\n"

    assert exit_code(*words, "proxy=regression-toy") == 0
    output = capsys.readouterr()
    assert len(output.out.splitlines()) > 1 and not output.err


@pytest.mark.parametrize(
    ("name", "options", "content"),
    [
        ("x.csv", [], b"a\n1\n"),
        ("X.CSV", [], b"a\n1\n"),
        ("x.json", [], b'[\n {\n  "a": 1\n }\n]\n'),
        ("x.parquet", [], b"PAR1"),
        ("x.txt", [], b"a\n\xe2"),
        ("csv", [], b"a\n\xe2"),
        ("x.csv", ["--format", "table"], b"a\n\xe2"),
        ("x.csv", ["--json"], b"["),
    ],
)
def test_a_file_is_written_as_its_ending_says_unless_a_format_is_given(
    lake: Lake, tmp_path: Path, name: str, options: list[str], content: bytes
) -> None:
    out = tmp_path / name
    assert exit_code("query", "--lake", lake.root, "SELECT 1 AS a", "--out", out, *options) == 0
    assert out.read_bytes().startswith(content)
