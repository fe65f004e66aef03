"""Whatever the code of a benchmark of one's own raises is one line, and the working folder is as before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pipeline import benchmarks
from pipeline.benchmarks import own_benchmarks
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError


class MuteError(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


class EndError(BaseException):
    pass


RAISED = [MuteError(), EndError("end"), asyncio.CancelledError(), GeneratorExit(), SystemExit(0), ValueError("\ud800")]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_its_code_raises_is_one_line(error: BaseException, tmp_path: Path) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    def rows(*_: object) -> Iterator[Any]:
        yield fail()

    (tmp_path / "__init__.py").touch()
    shipped, kind = benchmarks.load("nasbench201"), type(error).__name__
    with pytest.raises(UserError, match=f"the benchmark mine of .* cannot be loaded: {kind}"):
        own_benchmarks.loaded("mine", tmp_path, fail)
    broken = own_benchmarks.loaded("mine", tmp_path, lambda: replace(shipped, canonical=fail, read=rows))
    with pytest.raises(UserError, match=f"`canonical` raises {kind}"):
        broken.canonical("topology", "x")
    with pytest.raises(UserError, match=f"`read` raises {kind}"):
        next(iter(broken.read(tmp_path, False)))


def test_ctrl_c_within_its_code_is_ctrl_c(tmp_path: Path) -> None:
    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    (tmp_path / "__init__.py").touch()
    with pytest.raises(KeyboardInterrupt):
        own_benchmarks.loaded("mine", tmp_path, interrupted)


def test_a_module_that_changes_the_working_folder_leaves_it(tmp_path: Path) -> None:
    def moving() -> Benchmark:
        os.chdir(tmp_path)
        return benchmarks.load("nasbench201")

    (tmp_path / "__init__.py").touch()
    before = Path.cwd()
    own_benchmarks.loaded("mine", tmp_path, moving)
    assert Path.cwd() == before


def test_the_folder_of_a_benchmark_itself_is_no_folder_of_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").touch()
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__, str(tmp_path / "mine")])
    with pytest.raises(UserError, match=r"PIPELINE_BENCHMARKS names .*mine, which is a benchmark itself: name"):
        benchmarks.names()
