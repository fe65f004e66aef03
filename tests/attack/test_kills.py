"""A few of the kills of `make attack`."""

from __future__ import annotations

import subprocess
import sys

from tests.attack.harness import REPOSITORY


def test_a_kill_loses_nothing_doubles_nothing_and_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.attack.kills", "ingest", "export"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
