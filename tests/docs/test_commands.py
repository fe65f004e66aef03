"""The documents are tested against the code: every command they show exists, and every verb is shown."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from pipeline import benchmarks
from pipeline.cli import application as cli
from pipeline.cli import options
from pipeline.proxies import regression
from pipeline.proxies.aggregates import generic

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if ".venv" not in p.parts and "reports" not in p.parts[:-1])
GROUP: Any = typer.main.get_command(cli.app)
VERBS = set(GROUP.commands)


def commands(text: str) -> list[list[str]]:
    """The pipeline commands of a document's code, as words."""
    code = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`(pipeline [^`]+)`", text)
    lines = [line for block in code for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.lstrip().startswith("pipeline ")]


def command_of(words: list[str], document: str) -> tuple[Any, list[str]]:
    """The command that a line of a document runs, and its arguments; bare `tune` has a hidden one."""
    assert words[0] in GROUP.commands, f"{document}: pipeline {words[0]}"
    command, rest = GROUP.commands[words[0]], words[1:]
    if not hasattr(command, "commands"):
        return command, rest
    if rest and rest[0] in command.commands:
        return command.commands[rest[0]], rest[1:]
    assert "bare" in command.commands or not rest, f"{document}: {' '.join(words)}"
    return command.commands.get("bare", command), rest


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_that_a_document_shows_exists(document: Path) -> None:
    for words in commands(document.read_text()):
        if any("|" in word for word in words[1:3]) or words[1].startswith("-"):
            continue  # the list of verbs itself
        command, rest = command_of(words[1:], document.name)
        known = {name for parameter in command.params for name in parameter.opts}
        shown = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert shown <= known, f"{document.name}: {' '.join(words)} has no {shown - known}"


def test_the_readme_shows_every_verb_and_names_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    assert {c[1] for c in commands(text)} >= VERBS - {"run"}
    for named in re.findall(r"`((?:data|queries|reports)/[\w./-]+\.(?:md|sql|png))`", text):
        assert (ROOT / named).is_file(), named
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (ROOT / picture).is_file(), picture


def test_every_make_target_has_a_line_of_help_and_the_workflows_use_what_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert targets >= {"demo", "test", "lint", "bench", "report", "setup", "clean"}
    used = [p.read_text() for p in (*(ROOT / ".github" / "workflows").iterdir(), ROOT / ".ci" / "run")]
    for target in re.findall(r"make (?:--\S+ )*([a-z][a-z-]*)", "\n".join(used)):
        assert target in targets


def test_every_dependency_is_named_with_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "docs" / "decisions" / "0026-dependencies.md").read_text()
    for requirement in project["dependencies"] + project["optional-dependencies"]["demo"]:
        name = re.match(r"[a-z0-9-]+", requirement.lower())
        assert name and name[0] in reasons, f"{requirement} is not named in docs/decisions/0026-dependencies.md"


def test_help_names_every_benchmark_and_each_has_a_default_proxy() -> None:
    assert re.findall(r"\w+", options.BENCHMARK_HELP) == ["Benchmark", *benchmarks.names()]
    for name in benchmarks.names():
        inputs = benchmarks.load(name).inputs
        assert generic.form(inputs).name == options.DEFAULT_PROXY
        assert options.SEARCHED_BY_DEFAULT[inputs] in regression.fitting(inputs)
