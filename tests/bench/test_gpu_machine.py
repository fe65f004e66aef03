"""What a machine with a card is given: NVIDIA's daemon for several processes, and the wheels that it lacks."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.bench.gpu import mps, wheels


@pytest.fixture
def _daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the daemon, which answers and ends as it does."""
    program = tmp_path / mps.PROGRAM
    program.write_text(
        '#!/bin/sh\nif [ "$1" = -f ]; then echo ready > "$CUDA_MPS_LOG_DIRECTORY/control.log"; '
        'while [ ! -e "$CUDA_MPS_PIPE_DIRECTORY/quit" ]; do sleep 0.05; done; exit 0; fi\n'
        'read line; [ "$line" = quit ] && touch "$CUDA_MPS_PIPE_DIRECTORY/quit"; echo 4242\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("_daemon")
def test_the_daemon_is_stopped_and_its_variables_are_gone() -> None:
    with mps.daemon() as logs:
        assert os.environ["CUDA_MPS_PIPE_DIRECTORY"] == str(logs) and mps.servers() == "4242"
        assert mps.last_lines(logs) == ["control.log: ready"]
    assert not logs.exists() and not {"CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"} & set(os.environ)


@pytest.mark.usefixtures("_daemon")
def test_a_daemon_through_which_nothing_computes_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the first card: the daemon answered, and its clients found the card busy."""
    monkeypatch.setattr(mps, "KERNEL", "raise RuntimeError('CUDA-capable device(s) is/are busy or unavailable')")
    said = mps.tried()
    assert said.startswith("its daemon starts, but no kernel runs: RuntimeError: CUDA-capable device(s) is/are busy")
    assert "control.log: ready" in said
    monkeypatch.setattr(mps, "KERNEL", "pass")
    assert mps.tried() == "its daemon starts, and a kernel runs"


def test_what_a_machine_lacks_is_carried_with_what_that_needs() -> None:
    there = wheels.listed("numpy==2.1.0\npandas==2.2.3\ntyping-extensions, python_dateutil six")
    needed = [Requirement("torch>=2.11"), Requirement("pandas>=3.0"), Requirement("pydantic"), Requirement("numpy")]
    found = wheels.missing(needed, there)
    of_pydantic = {"pydantic", "pydantic-core", "annotated-types"}  # the first releases do without typing-inspection
    assert set(found) - {"typing-inspection"} == {"pandas", *of_pydantic}
    assert wheels.missing([Requirement("pandas>=3.0")], wheels.listed("pandas numpy")) == {}


def test_what_this_machine_lacks_is_told() -> None:
    here = importlib.metadata.version("numpy")
    needed = [Requirement("torch>=2.11"), Requirement("numpy<1"), Requirement("no-such-package>=2")]
    assert wheels.unmet(needed) == [f"numpy {here}, not numpy<1", "no no-such-package>=2"]


def test_the_package_says_what_it_needs() -> None:
    names = {requirement.name for requirement in wheels.stated(Path(__file__).parents[2] / "pyproject.toml")}
    assert {"torch", "duckdb", "pydantic", "analog-nasbench"} <= names


def test_a_wheel_is_packed_without_its_tests(tmp_path: Path) -> None:
    import zipfile

    wheel = tmp_path / "some-1-py3-none-any.whl"
    members = ("some/__init__.py", "some/tests/test_it.py", "some-1.dist-info/RECORD")
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in members:
            archive.writestr(name, "x = 1\n" * 1000)
    (tmp_path / "new").mkdir()
    with zipfile.ZipFile(wheels.packed(wheel, tmp_path / "new")) as archive:
        assert archive.namelist() == ["some/__init__.py", "some-1.dist-info/RECORD"]
        assert archive.read("some/__init__.py").startswith(b"x = 1\n")
