"""Fixtures that the tests of the ingest share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ingest.run import ingest
from tests.fixtures import mapped_tables


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A table mapping of one's own: a column of accuracies."""
    return str(mapped_tables.mapping(tmp_path / "mine.toml", mapped_tables.ACCURACY))


@pytest.fixture
def filled(lake: Path, tmp_path: Path) -> Path:
    """A lake that knows five architectures by number."""
    ingest(lake, "nasbench201", [mapped_tables.nasgraph(tmp_path / "table_cifar10.csv")])
    return lake
