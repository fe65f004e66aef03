"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for work starve whatever else the machine does


def pytest_addoption(parser: pytest.Parser) -> None:
    chaos = parser.getgroup("chaos")
    chaos.addoption("--chaos-minutes", type=float, default=20, help="length of test_chaos.py")
    chaos.addoption("--chaos-kill-seconds", type=float, default=60, help="between two of its kills")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with files that others published; tests that need it are skipped where it is not."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published files are not at ../shared/data")
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a lake may come to be; there is none yet."""
    return tmp_path / "lake"
