"""The tests that need a card, by the names of their files: the others may need what this machine does not have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.gpu.setting import Row, Setting

MARK = "pytest.mark.gpu"


def files(root: Path = Path("tests")) -> list[str]:
    """The test files that hold a test marked gpu."""
    return sorted(str(path) for path in root.rglob("test_*.py") if MARK in path.read_text(encoding="utf-8"))


def tests(setting: Setting) -> Row:
    """Run them, without the plugins that happen to be installed."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "--tb=short", *files()]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )  # fmt: skip
    try:
        text, _ = process.communicate(timeout=max(1.0, setting.left))
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate()
        text += "\nended at the deadline"
    print(text, flush=True)
    row: Row = {"exit_code": process.returncode, "files": files(), "last": text.splitlines()[-25:]}
    if process.returncode:
        row["error"] = next((line for line in reversed(text.splitlines()) if line.strip()), "no output")[:300]
    return row
