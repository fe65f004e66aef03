"""Lines of fields in a TOML file."""

from pathlib import Path

import pytest

from pipeline import proxies
from pipeline.errors import UserError
from pipeline.formats import toml_files
from pipeline.formats.toml_files import line_of, unknown_name
from pipeline.ingest import mapping

TEXT = """\
name = "a"  # line 1
"quoted key" = 1
[architecture]
codes = { 0 = "none" }
fields."0-1" = "x"
[[truth]]
column = "acc"
[[truth]]  # the second
  unit = "percent"
[architecture.more]
list = [
  1,
]
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("name",), 1), (("quoted key",), 2), (("architecture",), 3), (("architecture", "codes", "0"), 4),
        (("architecture", "fields", "0-1"), 5), (("architecture", "missing"), 3), (("truth", 0, "column"), 7),
        (("truth", 1, "unit"), 9), (("truth", 1, "column"), 8), (("architecture", "more", "list"), 11), (("none",), 1),
        ((), 1),
    ],
)  # fmt: skip
def test_a_field_has_its_line_or_that_of_what_is_around_it(location: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, location) == line
    assert line_of(TEXT.replace("\n", "\r\n"), location) == line


def test_a_file_with_many_faults_is_looked_through_once() -> None:
    toml_files._lines.cache_clear()
    assert [line_of(TEXT, location) for location in [("no",), ("field",)] * 50] == [1] * 100
    assert toml_files._lines.cache_info().misses == 1


def test_a_file_that_is_named_without_its_ending_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("mine.toml", "other.py", "table.txt"):
        Path(file).touch()
    said = {
        "mine": "unknown proxy 'mine': did you mean mine.toml?",
        "./other": "unknown proxy './other': did you mean ./other.py?",
        "table.txt": "unknown proxy 'table.txt': a file has to end in .toml or .py",
        "params": "unknown proxy 'params': known are synflow",
        "x" * 5000: f"unknown proxy '{'x' * 100}...': known are synflow",
    }
    assert {name: str(unknown_name("proxy", name, ["synflow"], (".toml", ".py"))) for name in said} == said
    for load in (lambda: proxies.load("mine"), lambda: mapping.find("nasbench201", "mine")):
        with pytest.raises(UserError, match=r"did you mean mine\.toml"):
            load()
