"""Lakes that several files of tests merge."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.export import tables
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, RELEASED, SIZE


@pytest.fixture(scope="session")
def full_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with scores of two proxies, a search of which some are adopted, released scores and ground truth."""
    root = tmp_path_factory.mktemp("other") / "lake"
    lakes.publish(
        root, f"ingest-{'a' * 16}", architectures=[lakes.architecture(i) for i in range(5)], metrics=[lakes.metric()],
        truth=[lakes.truth(1, 50.0)], sources=[lakes.source("a" * 16, "x")],
        proxies=[lakes.proxy(RELEASED, "toy@x", kind="released")],
        scores=[lakes.score(1, RELEASED, 3.0, seed=None, seconds=None, device=None)],
    )  # fmt: skip
    for number in range(3):
        run_id = f"{number:x}".rjust(16, "b")
        lakes.publish(
            root, f"score-{OURS}-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
            proxies=[lakes.proxy(OURS, "toy", kind="trained")],
            scores=[lakes.score(number, OURS, 1.0 + number, run_id=run_id)],
            curves=[lakes.curve(number, OURS, stage, "eval", [2.0, 1.0 + number]) for stage in range(2)],
        )  # fmt: skip
    run_id = "d" * 16
    lakes.publish(
        root, f"score-size-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
        proxies=[lakes.proxy(SIZE, "size", kind="zero-cost")],
        scores=[lakes.score(i, SIZE, None, status="failed", reason="too big", run_id=run_id) for i in range(2)],
    )  # fmt: skip
    lakes.publish(
        root, f"score-{OURS}-search-{'c' * 16}-00001", runs=[lakes.run(run_id="c" * 16, stage="search")],
        proxies=[lakes.proxy(OURS, "toy", kind="trained")],
        scores=[lakes.score(i, OURS, 9.0, run_id="c" * 16) for i in (7, 8)],
    )  # fmt: skip
    key = lakes.score(7, OURS, 9.0)
    lakes.publish(root, f"score-{OURS}-adopted-12345678", adopted=[{name: key[name] for name in TABLES["adopted"].key}])
    return root


@pytest.fixture(scope="session")
def exported(full_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "shared"
    tables.export(Lake(full_lake), folder)
    return folder
