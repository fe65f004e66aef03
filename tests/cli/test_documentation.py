"""How docs/cli.md is made of what the app says."""

from __future__ import annotations

import pytest

from docs import cli as generator


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("How many.  [default: 3; x>=1]", "| `--n <int>` | How many. (x>=1) | 3 |"),
        ("Where.  [env var: HERE; default: (there)]", "| `--n <int>` | Where. (env var: HERE) | there |"),
        ("One of a|b.", "| `--n <int>` | One of a\\|b. |  |"),
    ],
)
def test_a_row_parts_meaning_limits_and_default(text: str, row: str) -> None:
    assert generator.row("--n <int>", text) == row


def test_hidden_commands_are_not_shown() -> None:
    assert "pipeline tune bare" not in generator.page() and "## pipeline tune weigh" in generator.page()
