"""The app: its verbs, its help, its version and its former option names."""

from __future__ import annotations

import errno
import io
import pkgutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from pipeline import benchmarks
from pipeline import cli as package
from pipeline.cli import application as cli
from pipeline.cli import options, streams
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.command import exit_code

NO_VERBS = {"application", "configuration", "grouping", "options", "output", "streams", "suggestions"}
GROUP: Any = typer.main.get_command(cli.app)
IMPORTED = "import sys; from pipeline import cli\ntry: cli.main()\nfinally: print(*sys.modules)"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, check=False)


def test_each_module_beside_the_shared_ones_is_a_verb_and_the_help_lists_them_in_order() -> None:
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert set(GROUP.commands) == modules - NO_VERBS == set(cli.VERBS)
    assert GROUP.list_commands(None) == list(cli.VERBS)


@pytest.mark.parametrize("words", [(), ("score",), ("tune", "evolve")], ids=str)
def test_help_imports_no_more_than_the_command_line(words: tuple[str, ...]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words, "--help"], capture_output=True, text=True, check=True
    )
    modules = result.stdout.splitlines()[-1].split()
    own = {name for name in modules if name.startswith("pipeline.")}
    shared = {"pipeline.errors", "pipeline.interruption", "pipeline.cli"}
    assert own == shared | {f"pipeline.cli.{name}" for name in NO_VERBS | set(cli.VERBS)}
    slow = {"duckdb", "vl_convert", "numpy", "pandas", "pyarrow", "rich", "scipy", "torch"}  # pydantic is typer's own
    assert not slow & {name.partition(".")[0] for name in modules}


def test_every_verb_begins_its_help_with_a_sentence_that_fits_the_list_and_ends_it_with_an_example() -> None:
    for name, command in GROUP.commands.items():
        first = command.help.partition("\n")[0]
        assert first.endswith(".") and command.get_short_help_str(80) == first, name
        assert command.epilog.startswith(f"Example: pipeline {name} ")


def test_options_are_listed_under_the_title_of_their_group() -> None:
    lines = CliRunner().invoke(cli.app, ["score", "--help"]).output.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert (titles[0], titles[-1], len(titles)) == ("Arguments:", "Options:", 6)
    executor = lines[lines.index("How work is distributed:") :]
    assert executor[1].strip().startswith("--executor <inline|processes|ray>")


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"nas-proxy-bench {version('nas-proxy-bench')}\n")


@pytest.mark.parametrize("words", [[], ["mapping"]], ids=["pipeline", "pipeline mapping"])
def test_without_a_command_the_help_is_shown_in_its_lines(words: list[str]) -> None:
    shown, asked = (CliRunner().invoke(cli.app, [*words, *more]) for more in ([], ["--help"]))
    assert shown.output.strip() == asked.output.strip() and asked.output.count("\n") > 5


def test_an_error_is_one_line_and_a_usage_error_exits_with_2() -> None:
    wrong = run("score", "nasbench202")
    assert wrong.returncode == 1 and wrong.stdout == ""
    assert wrong.stderr.startswith("error: unknown benchmark 'nasbench202'") and wrong.stderr.count("\n") == 1
    usage = run("score", "nasbench201", "--executor", "inline", "--workers", "2")
    assert usage.returncode == 2 and "leave --workers out" in usage.stderr and "Traceback" not in usage.stderr


def test_the_former_names_of_the_mapping_options_are_understood_and_not_shown(tmp_path: Path, lake: Path) -> None:
    runner = CliRunner()
    assert "recipe" not in runner.invoke(cli.app, ["ingest", "--help"]).output
    listed = [runner.invoke(cli.app, ["ingest", option]) for option in ("--mappings", "--recipes")]
    assert listed[0].exit_code == 0 and listed[0].output == listed[1].output and "meco-seeds" in listed[0].output
    mapping = fixtures.mapping(tmp_path / "mine.toml", fixtures.ACCURACY)
    table = fixtures.accuracies(tmp_path / "t.csv")
    said = [
        runner.invoke(cli.app, ["ingest", "nasbench201", str(table), option, str(mapping), "--lake", str(lake)])
        for option in ("--recipe", "--mapping")
    ]
    assert [result.exit_code for result in said] == [0, 0]
    assert "values" in said[0].output and "already ingested" in said[1].output
    for verb in ("ingest", "run"):
        assert "--mapping" in {name for parameter in GROUP.commands[verb].params for name in parameter.opts}


def test_benchmarks_and_proxies_complete() -> None:
    assert options.complete_benchmark("nasbench1") == ["nasbench101"]
    assert set(options.complete_proxy("regression-n1")) == {"regression-n101"}
    assert {"synflow", "aggregate-az-nas", "zero-cost"} <= set(options.complete_proxy(""))


def test_a_shell_gets_its_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"COMP_WORDS": "pipeline score nasb", "COMP_CWORD": "2", "_PIPELINE_COMPLETE": "complete_bash"}
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    result = run()
    assert result.stdout.split() == [name for name in benchmarks.names() if name.startswith("nasb")], result.stderr
    monkeypatch.setenv("_PIPELINE_COMPLETE", "source_zsh")
    assert "#compdef pipeline" in run().stdout
    assert "--show-completion" in CliRunner().invoke(cli.app, ["--help"]).output


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, "refused"), "error: too many files are open: raise the limit (`ulimit -n`)"),
        (OSError(errno.EAGAIN, "refused"), "error: the system refuses a process, a thread or a write for now"),
        (OSError(errno.ENOMEM, "refused"), "error: out of memory: give the process more"),
        (OSError(errno.EACCES, "refused", "x"), "error: no permission while reading or writing x: change the permis"),
        (OSError("no such codec"), "error: no such codec; what was done is stored"),
        (OSError(errno.EISDIR, "is a folder", "x"), "error: is a folder while reading or writing x"),
        (
            pa.ArrowException("Failed to launch worker thread: Resource temporarily unavailable"),
            "error: the system refuses a process, a thread",
        ),
    ],
)
def test_what_the_system_refuses_is_not_taken_for_a_full_output(
    error: Exception, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "_run", refused)
    assert exit_code() == 1 and capsys.readouterr().err.startswith(says)


@pytest.mark.parametrize(
    ("encoding", "shown"), [("latin-1", "\u00e9 \\u2013"), ("ascii", "\\xe9 \\u2013"), ("utf-8", "\u00e9 \u2013")]
)
def test_what_the_encoding_of_a_stream_lacks_is_escaped(
    encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    streams.prepare()
    print("\u00e9 \u2013", flush=True)
    assert written.getvalue().decode(encoding).rstrip() == shown


def test_a_closed_stream_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    streams.prepare()
    stream: Any = sys.stdout
    stream.write("an answer")
    with pytest.raises(OSError, match="it is closed"):
        stream.flush()
    stream.close()  # as Python does at its end
