"""The wheel, installed into an environment of its own: it has all that it needs, and nothing comes from the checkout.

That environment is empty but for the wheel. The dependencies, torch above all, are not installed a second time: a .pth
file shows it the folder in which they lie. Of such a folder Python reads no .pth files, so the editable installation of
the checkout is not seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.fixtures import mapped_tables as fixtures

ROOT = Path(__file__).parents[1]
QUERIES = ROOT / "queries"
TINY = 'name = "tiny"\niterations = 2\nevaluate_every = 1\n' + 3 * (
    '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'
)

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the installed `pipeline` in a folder."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIPELINE"))}

    def pipeline(folder: Path, *words: str) -> str:
        command = [str(environment / "bin" / "pipeline"), *words]
        result = subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    where = subprocess.run(
        [str(python), "-c", "import pipeline; print(pipeline.__file__)"],
        cwd=environment, env=variables, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(packages)
    return pipeline


def test_the_wheel_holds_types_and_every_query(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "pipeline/py.typed" in names
    assert names >= {f"pipeline/queries/{path.relative_to(QUERIES)}" for path in QUERIES.rglob("*.sql")}
    assert not [name for name in names if name.startswith(("tests/", "docs/", "data/"))]


def test_it_says_its_version_and_knows_mappings_and_examples(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path, "--version") == f"nas-proxy-bench {version('nas-proxy-bench')}\n"
    assert "analog-nasbench" in run(tmp_path, "ingest", "--mappings")
    examples = [line.split()[0] for line in run(tmp_path, "query", "--examples").splitlines()]
    assert len(examples) == len(list((QUERIES / "examples").glob("*.sql")))


def test_it_runs_in_an_empty_folder(run: Run, tmp_path: Path) -> None:
    fixtures.mapping(tmp_path / "mine.toml", fixtures.ACCURACY)
    fixtures.accuracies(tmp_path / "table.csv", 12)
    (tmp_path / "tiny.toml").write_text(TINY)
    words = ["run", "nasbench201", "table.csv", "--mapping", "mine.toml", "--proxy", "tiny.toml", "--sample", "4"]
    assert "reports/latest/index.html" in run(tmp_path, *words, "--device", "cpu", "--workers", "1")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "table.csv", "tiny.toml", "data", "reports"}
    for name in ("rho_of_each_proxy", "what_did_a_run_cost"):
        assert len(run(tmp_path, "query", "--example", name, "--format", "csv").splitlines()) > 1
