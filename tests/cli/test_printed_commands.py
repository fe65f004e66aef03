"""Commands that other commands print run as they are printed, also where a path has a blank or a quotation mark."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pipeline.report import baseline
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.command import exit_code
from tests.fixtures.lines import refused


def test_each_step_from_a_table_to_a_lake_prints_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "it's mine").mkdir()
    monkeypatch.chdir(tmp_path / "it's mine")
    monkeypatch.setenv("PIPELINE_LAKE", "lake")
    table = fixtures.accuracies(Path("my table.csv"))
    said, words = "", ["ingest", "nasbench201", str(table)]
    for verb, code in (("ingest", 1), ("init", 0), ("check", 0), ("ingest", 0)):
        assert verb in words and exit_code(*words) == code, (words, said)
        output = capsys.readouterr()
        said = (output.err if code else output.out).splitlines()[-1]
        printed = re.search(r"pipeline ((?:mapping|ingest) [^`]*)", said)
        words = shlex.split(printed[1]) if printed else []
    assert said.startswith("my-table: 5 architectures, 5 values")


def test_a_report_that_is_missing_is_written_by_the_command(tmp_path: Path) -> None:
    with refused(f"`pipeline report --out '{tmp_path}/my report'` writes one"):
        baseline.read(tmp_path / "my report")
