"""Files of the set-up agree with one another: hooks with `make lint`, constraints with pyproject.toml, workflows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILDS_OF_TORCH = ("torch", "triton", "nvidia", "cuda")


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {str(canonicalize_name(name)): pinned for name, pinned in pins}


def test_a_commit_is_checked_as_make_lint_checks() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipes = dict(re.findall(r"^(lint-\w+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE))
    assert recipes and f"\nlint: {' '.join(recipes)} ##" in makefile
    linted = [line.strip().replace("$(BIN)", ".venv/bin") for line in "".join(recipes.values()).splitlines()]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == linted


def test_every_direct_dependency_but_torch_and_triton_has_one_version_that_pyproject_allows() -> None:
    pins = constraints()
    extras = PROJECT["optional-dependencies"]
    for text in PROJECT["dependencies"] + extras["demo"] + extras["dev"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        by_build = name in BUILDS_OF_TORCH  # a build of torch for CUDA demands its own version of Triton
        assert (name in pins) == (not by_build), text
        assert by_build or requirement.specifier.contains(Version(pins[name])), text
    assert not [name for name in pins if name.startswith(BUILDS_OF_TORCH)]


def test_a_pin_is_a_released_version_for_every_machine() -> None:
    for name, pinned in constraints().items():
        assert Version(pinned).local is None, name


def test_the_workflows_cover_the_pythons_that_pyproject_allows_and_run_what_is_there() -> None:
    workflows = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").iterdir()}
    matrix = workflows["test"]["jobs"]["test"]["strategy"]["matrix"]
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]
    assert {entry["os"] for entry in matrix["include"]} == {"macos-latest"}
    for name in re.findall(r"\.ci/\w+", (ROOT / ".github" / "workflows" / "test.yml").read_text()):
        assert (ROOT / name).stat().st_mode & 0o111, name
    assert {"build", "release", "publish"} == set(workflows["release"]["jobs"])
