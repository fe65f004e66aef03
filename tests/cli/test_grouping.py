"""Dataclasses become options."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.application import PanelCommand
from pipeline.cli.grouping import flattened


@dataclass(frozen=True)
class Shape:
    """How large it is.

    The rest of the docstring is for readers of the code.
    """

    width: Annotated[int, typer.Option(min=1, help="In metres.")] = 3
    names: Annotated[list[str] | None, typer.Option("--name", help="Several times.")] = None


def draw(shape: Shape, where: Annotated[str, typer.Argument()], thick: bool = False) -> None:
    typer.echo(f"{shape} {where} {thick}")


app = typer.Typer(rich_markup_mode=None)
app.command(cls=PanelCommand)(flattened(draw))


def test_the_fields_of_a_dataclass_are_options_and_the_function_gets_the_dataclass() -> None:
    result = CliRunner().invoke(app, ["here", "--width", "4", "--name", "a", "--name", "b", "--thick"])
    assert result.output == "Shape(width=4, names=['a', 'b']) here True\n"
    assert CliRunner().invoke(app, ["here"]).output == "Shape(width=3, names=None) here False\n"
    assert CliRunner().invoke(app, ["here", "--width", "0"]).exit_code == 2


def test_the_first_line_of_its_docstring_is_their_title() -> None:
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    place = lines.index("How large it is:")
    assert lines[place + 1].split()[0] == "--width" and "--thick" in "".join(lines[place + 3 :])


HELP = """
from typer.testing import CliRunner
from pipeline import cli

for words in [], ["score"], ["mapping"], ["tune"]:
    print(CliRunner().invoke(cli.app, [*words, "--help"], env={"COLUMNS": "80"}).output)
"""


def test_the_help_is_the_same_where_python_leaves_docstrings_out(capsys: pytest.CaptureFixture[str]) -> None:
    exec(HELP)
    without = subprocess.run([sys.executable, "-OO", "-c", HELP], capture_output=True, text=True, check=True)
    assert without.stdout == capsys.readouterr().out
