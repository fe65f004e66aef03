"""What continuous integration runs: the action that gates a proxy of another repository, by its script."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ACTION = ROOT / ".github" / "actions" / "gate"
MAPPING = """
name = "ours"
benchmark = "nasbench201"
description = "made up"
publisher = { project = "ours", where = "here" }
container = { kind = "csv" }
architecture = { column = "arch", encoding = "string" }

[[truth]]
column = "acc"
dataset = "cifar10"
metric = "test_accuracy"
unit = "percent"
"""
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def cells(count: int) -> list[str]:
    """So many architectures in the benchmark's notation, with ever more convolutions."""
    ops = [[OPERATIONS[(n // 3**k) % 5] for k in range(6)] for n in range(1, count + 1)]
    return ["|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*six) for six in ops]


def repository(folder: Path) -> Path:
    """A repository of somebody else: a table of accuracies, its mapping, and the architectures that are scored."""
    folder.mkdir()
    rows = [f"{cell},{70 + place + 5 * (place % 3)}" for place, cell in enumerate(cells(14))]
    (folder / "table.csv").write_text("\n".join(["arch,acc", *rows]) + "\n")
    (folder / "ours.toml").write_text(MAPPING)
    (folder / "pipeline.toml").write_text("workers = 1\n")
    (folder / "architectures.txt").write_text("\n".join(cells(14)) + "\n")
    command = folder / "pipeline"
    command.write_text(f'#!/bin/sh\nexec env PYTHONPATH="{ROOT}" "{sys.executable}" -m pipeline "$@"\n')
    command.chmod(0o755)
    return folder


def gate(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's script in a repository, as a job of GitHub does."""
    inputs = {
        "BENCHMARK": "nasbench201", "TRUTH": "table.csv --mapping ours.toml", "PROXIES": "params\n",
        "ARCHITECTURES": "architectures.txt", **inputs,
    }  # fmt: skip
    environment = {
        **os.environ, **inputs, "PIPELINE": "./pipeline", "PIPELINE_LAKE": "lake", "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": "summary.md", "PYTHONUTF8": "1",
    }  # fmt: skip
    command = ["bash", str(ACTION / "gate.sh")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_a_second_repository_is_gated_and_a_drift_names_its_row(tmp_path: Path) -> None:
    folder = repository(tmp_path / "theirs")
    first = gate(folder, OUT="baseline")
    assert first.returncode == 0, first.stderr
    assert "params" in (folder / "summary.md").read_text(encoding="utf-8")
    correlations = folder / "baseline" / "correlations.csv"
    rows = correlations.read_text(encoding="utf-8").splitlines()
    place = rows[0].split(",").index("rho")
    cut = rows[1].split(",")
    cut[place] = "-0.9000"
    correlations.write_text("\n".join([rows[0], ",".join(cut)]) + "\n")
    second = gate(folder, BASELINE="baseline", OUT="report")
    assert second.returncode == 1
    annotation = r"^::error title=rho moved::params seed 0 on nasbench201 topology, .* rho -0\.9000 → "
    assert re.search(annotation, second.stdout, re.M)
    assert "1 row is not as in baseline" in second.stderr
    for file in ("summary.md", "report/changes.md"):
        assert "rho moved" in (folder / file).read_text()
    assert "params: all 14 scores are stored already" in second.stdout


def test_a_proxy_is_a_line_with_blanks_within_and_none_around_it(tmp_path: Path) -> None:
    command = tmp_path / "pipeline"
    command.write_text('#!/bin/sh\n[ "$1" != score ] || echo "<$4>" >> scored\n')
    command.chmod(0o755)
    done = gate(tmp_path, PROXIES="params\n\n  my proxies/it's one.toml \t\n\t\n'*'")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scored").read_text() == "<params>\n<my proxies/it's one.toml>\n<'*'>\n"
    (tmp_path / "scored").unlink()
    done = gate(tmp_path, PROXIES=" \n\t\n")
    assert done.returncode == 1 and "proxies is blank" in done.stderr and not (tmp_path / "scored").exists()


def test_the_action_states_what_its_script_reads() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    steps = action["runs"]["steps"]
    (scoring,) = [step for step in steps if "gate.sh" in step.get("run", "")]
    read = set(re.findall(r"\$\{?([A-Z_]+)", (ACTION / "gate.sh").read_text())) - {"GITHUB_STEP_SUMMARY"}
    assert read <= set(scoring["env"])
    used = set(re.findall(r"inputs\.(\w+)", (ACTION / "action.yml").read_text()))
    assert used == set(action["inputs"])
    assert [step["if"] for step in steps if "cache/save" in step.get("uses", "")] == ["always()"]


def test_the_workflow_keeps_scores_of_runs_that_failed_and_runs_the_script() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "report.yml").read_text())
    steps = workflow["jobs"]["report"]["steps"]
    kept = {step["uses"].split("@")[0]: step.get("if") for step in steps if "uses" in step}
    assert kept["actions/cache/save"] == "always()" == kept["actions/upload-artifact"]
    assert [step["run"] for step in steps if step.get("id") == "report"] == ["bash .ci/report"]
    assert (ROOT / ".ci" / "report").stat().st_mode & 0o111


def test_no_job_leaves_its_token_in_the_checkout_and_a_release_takes_nothing_from_a_cache() -> None:
    workflows = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    steps = [(name, step) for name, one in workflows.items() for job in one["jobs"].values() for step in job["steps"]]
    checkouts = [step for _, step in steps if "actions/checkout" in step.get("uses", "")]
    assert len(checkouts) > 5 and all(step["with"]["persist-credentials"] is False for step in checkouts)
    of_release = [step for name, step in steps if name == "release" and "setup-uv" in step.get("uses", "")]
    assert of_release and all(step["with"]["enable-cache"] is False for step in of_release)


def test_a_release_names_the_actions_of_others_by_full_commit() -> None:
    used = re.findall(r"uses: +(.*)", (ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert len(used) > 5
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []
