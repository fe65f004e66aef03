"""Fixtures that the tests of the regression proxy share."""

from __future__ import annotations

import pytest

from pipeline import executor
from pipeline.proxies.contract import Proxy, Score
from tests.fixtures.small_networks import SPACES, alone, loaded


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    return loaded(tmp_path_factory.mktemp("preset"))


@pytest.fixture(scope="module")
def expected(proxy: Proxy) -> list[Score]:
    return alone(proxy, SPACES)


@pytest.fixture(autouse=True)
def this_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor.worker_pool, "_renew", False)
