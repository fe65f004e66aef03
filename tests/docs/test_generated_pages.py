"""The pages that are generated are what the app, the model of a table mapping and the registry say."""

from __future__ import annotations

from typing import Any

import pytest

from docs import benchmarks, cli, mapping


@pytest.mark.parametrize("generator", [benchmarks, cli, mapping], ids=lambda module: module.PAGE.name)
def test_a_generated_page_is_current(generator: Any) -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "make docs writes it anew"


def test_a_licence_that_is_not_the_benchmarks_stands_beside_its_table() -> None:
    page = benchmarks.page()

    assert "`training-free-nas` (CC-BY-4.0)" in page and "`nasgraph-cifar10` (Apache-2.0)" in page
    assert "`meco-seeds`," in page, "the benchmark's own licence is said once"
