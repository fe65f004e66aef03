"""The pages that are generated are what the app, the model of a table mapping and the registry say."""

from __future__ import annotations

from typing import Any

import pytest

from docs import benchmarks, cli, mapping


@pytest.mark.parametrize("generator", [benchmarks, cli, mapping], ids=lambda module: module.PAGE.name)
def test_a_generated_page_is_current(generator: Any) -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "make docs writes it anew"
