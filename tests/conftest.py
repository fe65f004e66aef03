"""Fixtures that several test files share."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import typer.testing

from pipeline import executor, progress
from tests.fixtures import file_server

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for work starve whatever else the machine does
hypothesis.settings.register_profile(  # how long an example takes, and how long it takes to draw, depends on other work
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

LONGEST = (
    "test_score.py", "test_code.py", "test_ingest_crash.py", "test_published_files.py", "test_stored_results.py",
    "test_gpu_steps.py", "test_cases.py", "test_stacked.py", "test_continuous_integration.py", "test_evolution.py",
    "test_tuning.py", "test_wheel.py", "test_odd_records.py", "test_queries.py", "test_fidelity.py", "test_page.py",
    "test_views.py", "test_checking.py", "test_catalog.py", "test_browser.py",
)  # fmt: skip
"""The files that take longest, ten seconds or more of a core: they are begun first, so that none is last."""

MEMORY = Path("/dev/shm")
ROOM = 4 << 30  # bytes; the tests leave less than one at a time


def pytest_configure() -> None:
    """Has signals heard that a background job and `nohup` ignore, and temporary folders in memory where it has room.

    Each part of a lake waits for the disk several times.
    """
    for number, heard in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heard)
    with contextlib.suppress(OSError):
        if shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """Modules and tests live as long as the run: no collection of garbage has to go through them again."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """At its end Python looks at everything, or libraries complain of what is left."""
    gc.unfreeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    chaos = parser.getgroup("chaos")
    chaos.addoption("--chaos-minutes", type=float, default=20, help="length of test_chaos.py")
    chaos.addoption("--chaos-kill-seconds", type=float, default=60, help="between two of its kills")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with files that others published; tests that need it are skipped where it is not."""
    return _folder_named_by("NAS_PROXY_BENCH_DATA", "the published files")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with figures of the reference implementation; tests that need it are skipped where it is not."""
    return _folder_named_by("NAS_PROXY_BENCH_REFERENCE", "the reference figures")


def _folder_named_by(variable: str, content: str) -> Path:
    if not (value := os.environ.get(variable)):
        pytest.skip(f"{variable} does not name the folder with {content}")
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"{variable} names {folder}, which is not a folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def one_command_line() -> Iterator[None]:
    """typer makes all commands anew for each call, in 0.02 seconds; a process has one call, but the tests many."""
    with pytest.MonkeyPatch.context() as patch:
        made_once = functools.cache(typer.main.get_command)
        patch.setattr(typer.main, "get_command", made_once)
        patch.setattr(typer.testing, "_get_command", made_once)
        yield


@pytest.fixture(autouse=True)
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computes in the process of the test where it names no number of workers: others would import torch first."""
    monkeypatch.setattr(executor, "default_workers", lambda device="cpu": 1)


@pytest.fixture(autouse=True)
def no_line_of_progress_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no test on a busy machine see what quick work says when it takes long."""
    monkeypatch.setattr(progress, "QUIET_SECONDS", 3600.0)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a lake may come to be; there is none yet."""
    return tmp_path / "lake"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[file_server.FileServer]:
    """A server of files in this process; what is cut is asked for again without a pause."""
    monkeypatch.setattr("pipeline.remote.http_files.PAUSES", (0.0, 0.0))
    with file_server.serving() as started:
        yield started
