"""The search for a task: its genes, its steps, its early end, and that a killed one goes on as if it had not been."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import benchmarks, catalog, environment, executor
from pipeline.benchmarks.nasbench201 import network
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.provenance import canonical_json
from pipeline.proxies import arithmetic
from pipeline.proxies.regression import presets
from pipeline.tuning import genes, methods, rules, task_evolution, trials
from pipeline.tuning.data import TuningData
from pipeline.tuning.evolve import evolve
from pipeline.tuning.task_evolution import EvolutionSettings
from pipeline.tuning.trials import TrainingSettings, TrialTrainer
from tests.bench import evolution as bench_evolution
from tests.fixtures import lakes
from tests.fixtures.lines import refused

LABELS = {f"{i:016x}": float(i) for i in range(20)}
CELL = "|nor_conv_3x3~0|+|{}~0|none~1|+|skip_connect~0|none~1|{}~2|"
OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")


@settings(max_examples=40)
@given(st.integers(), st.sampled_from(["images", "sequences"]))
def test_genes_make_a_configuration_that_can_be_written_and_read(seed: int, inputs: str) -> None:
    random = Random(seed)
    drawn = genes.mutated(genes.drawn(inputs, random), inputs, random)
    preset = genes.preset(json.loads(canonical_json(drawn)), inputs, "tuned-a-1")
    assert preset.inputs == inputs and preset.name == "tuned-a-1"
    signals = [s for stage in preset.stages for s in stage.signals] if inputs == "images" else preset.target  # type: ignore[union-attr]
    for one in signals:
        assert 0.5 <= one.level <= 2.9
        assert one.partial is None or math.floor(64 * one.partial) >= 1
        assert one.frequencies is None or len(one.frequencies) == 10


def test_a_mutation_keeps_four_genes_of_five() -> None:
    random = Random(0)
    parent = genes.drawn("images", random)
    children = [genes.mutated(parent, "images", random) for _ in range(300)]
    kept = np.mean([child[gene] == parent[gene] for child in children for gene in parent if "frequencies" in gene])
    assert kept == pytest.approx(genes.KEPT, abs=0.02)


def test_a_stored_task_is_read_as_it_was(tmp_path: Path) -> None:
    preset = genes.preset(genes.drawn("sequences", Random(3)), "sequences", "tuned-a-1", "mine")
    path = tmp_path / "tuned-a-1.toml"
    path.write_text(rules.toml(trials.configuration_of(preset), "a comment"))
    assert presets.load(str(path)) == preset


def made_up(quality: float = 0.9) -> tuple[list[tuple[int, int]], task_evolution.Train]:
    """Trainings whose loss follows the label as well as the first stage's gdot level says."""
    calls: list[tuple[int, int]] = []

    def train(step: int, drawn: genes.Genes, arch_ids: Any) -> dict[str, float | None]:
        calls.append((step, len(arch_ids)))
        rho = quality * drawn["stage0.gdot.level"] / 2.9
        noise = {a: Random(f"{step}/{a}").gauss(0, 6) for a in arch_ids}
        return {a: -rho * LABELS[a] - math.sqrt(1 - rho**2) * noise[a] for a in arch_ids}

    return calls, train


def test_the_search_gets_better_and_is_the_same_again() -> None:
    settings = EvolutionSettings(population=10, tournament=4, tasks=120, early=False)
    tried = task_evolution.evolve_tasks(settings, "images", LABELS, "a", made_up()[1])
    assert [t.step for t in tried] == list(range(120)) and all(t.whole for t in tried)
    assert all((t.parent is None) == (t.step < 10) for t in tried)
    assert all(t.parent is None or t.step - 10 <= t.parent < t.step for t in tried)  # the old have left
    first, last = tried[:10], tried[-30:]
    level = "stage0.gdot.level"
    assert np.mean([t.genes[level] for t in last]) > np.mean([t.genes[level] for t in first])
    assert task_evolution.evolve_tasks(settings, "images", LABELS, "a", made_up()[1]) == tried
    assert task_evolution.evolve_tasks(settings, "images", LABELS, "b", made_up()[1])[0].genes != tried[0].genes
    assert task_evolution.best(tried).fitness == max(t.fitness for t in tried)


def test_a_small_budget_is_the_beginning_of_a_large_one() -> None:
    large = EvolutionSettings(population=5, tournament=3, tasks=450, budget=800)
    small = EvolutionSettings(population=5, tournament=3, tasks=450, budget=250)
    both = [task_evolution.evolve_tasks(s, "images", LABELS, "a", made_up()[1]) for s in (small, large)]
    assert both[1][: len(both[0])] == both[0]
    for tried, budget in zip(both, (250, 800), strict=True):
        assert budget - 20 < sum(t.used for t in tried) <= budget


def test_hopeless_tasks_are_given_up_and_the_others_seldom() -> None:
    """The rule's error on made-up pairs, and what it saves."""
    random = np.random.default_rng(0)
    lost = good = used = 0
    for _ in range(400):
        true = random.uniform(0.35, 0.95)
        x = random.normal(size=20)
        y = true * x + math.sqrt(1 - true**2) * random.normal(size=20)
        rhos = {n: methods.correlation(x[:n], y[:n]) for n in (*task_evolution.looks(20), 20)}
        stop = next((n for n in task_evolution.looks(20) if task_evolution.hopeless(rhos[n], n, 20, 0.75)), 20)
        used += stop
        good += rhos[20] >= 0.75
        lost += rhos[20] >= 0.75 and stop < 20
    assert lost / good < 0.06 and used < 0.85 * 400 * 20
    assert not task_evolution.hopeless(-1.0, 20, 20, 0.9)


def test_a_task_that_was_given_up_is_not_the_best() -> None:
    settings = EvolutionSettings(population=10, tournament=4, tasks=60)
    calls, train = made_up()
    tried = task_evolution.evolve_tasks(settings, "images", LABELS, "a", train)
    stopped = [t for t in tried if not t.whole]
    assert stopped and all(t.used in task_evolution.looks(20) for t in stopped)
    assert sum(n for _, n in calls) == sum(t.used for t in tried) < 60 * 20
    assert task_evolution.best([*stopped, tried[0]]) is tried[0]


def space(root: Path, between: float = 1.0) -> Lake:
    """Sixteen small architectures with a truth, each the one before and `between`."""
    bench = benchmarks.load("nasbench201")
    batch = SourceRows("nasbench201")
    for number, (a, b) in enumerate((a, b) for a in OPS for b in OPS):
        arch_id = batch.add_architecture("topology", bench.canonical("topology", CELL.format(a, b)))
        batch.add_truth("topology", arch_id, "cifar10", "test_accuracy", 50.0 + between * number, epochs=200)
    lake = Lake(root, create=True)
    constants = {"benchmark": "nasbench201", "source_id": "s" * 16}
    metrics = [{"benchmark": "nasbench201", **m.row} for m in bench.metrics]
    lake.publish("nasbench201", "0", {"metrics": metrics})
    with lake.staged("nasbench201", "1") as staging:
        for table in ("architectures", "truth"):
            staging.append(table, batch.arrow(table, constants))
    return lake


ASKED = TuningData("nasbench201", "topology", labels=4)
SMALL = EvolutionSettings(population=2, tournament=2, tasks=3)


def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cell in each stack of a network, not five."""
    monkeypatch.setattr(network, "TOPOLOGY_CELLS", 1)


def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two iterations of shallow networks are enough to see what is stored."""
    shallow(monkeypatch)
    plain = genes.preset

    def preset(*args: Any) -> Any:
        return plain(*args).model_copy(update={"iterations": 2, "evaluate_every": 2})

    monkeypatch.setattr(genes, "preset", preset)


def test_what_is_found_is_stored_and_scores_as_it_was_tried(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(monkeypatch)
    space(lake)
    plan = TrainingSettings(device="cpu", workers=1)
    best = evolve(lake, ASKED, plan, SMALL)
    assert best.path and (best.trainings, best.path.is_file()) == (12, True)
    stored = Lake(lake)
    (row,) = catalog.run_sql(stored, "FROM tunings").to_pylist()
    stored_trials = catalog.run_sql(stored, "FROM tuning_trials ORDER BY step, arch_id").to_pylist()
    assert len(stored_trials) == 12 and {t["status"] for t in stored_trials} == {"ok"}
    assert {t["arch_id"] for t in stored_trials} == set(row["labels"])
    tasks = catalog.run_sql(stored, "FROM tuning_tasks ORDER BY step").to_pylist()
    assert [t["parent"] is None for t in tasks] == [True, True, False]
    assert row["fitness"] == max(t["fitness"] for t in tasks)
    only = tmp_path / "only.txt"
    specs = catalog.run_sql(stored, "SELECT arch_id, spec FROM architectures").to_pylist()
    chosen = [s["spec"] for s in specs if s["arch_id"] in row["labels"]] + [s["spec"] for s in specs][:6]
    only.write_text("".join(f"{json.loads(spec)['cell']}\n" for spec in chosen))
    asked = ["score", "nasbench201", "--proxy", best.name, "--only", str(only), "--lake", str(lake), "--workers", "1"]
    result = CliRunner().invoke(cli.app, [*asked, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    scores = catalog.run_sql(stored, "SELECT arch_id, value FROM scores").to_pylist()
    step = int(best.name.rpartition("-")[2])
    tried = {t["arch_id"]: t["value"] for t in stored_trials if t["step"] == step}
    assert {s["arch_id"]: s["value"] for s in scores if s["arch_id"] in tried} == tried and len(tried) == 4
    (held_out,) = catalog.run_sql(stored, "FROM tuned").to_pylist()
    assert (held_out["n"], held_out["method"], held_out["trainings"]) == (len(scores) - 4, "evolution", 12)
    trained: list[int] = []
    monkeypatch.setattr("pipeline.tuning.trials.executor.run", lambda *_: trained.append(1))
    assert evolve(lake, ASKED, plan, SMALL) == best and not trained
    assert catalog.run_sql(stored, "FROM tunings").num_rows == 1


KILLED = """
import os, signal, sys
from pathlib import Path
import pytest
from pipeline.lake import part_writer
from pipeline.tuning.evolve import evolve
from pipeline.tuning.trials import TrainingSettings
from tests.tuning import test_evolution as t
t.short(pytest.MonkeyPatch())
part_writer.SHORTEST = part_writer.LONGEST = 0.0
publish, parts = part_writer.PartWriter.publish, []

def killed(*given):
    parts.append(publish(*given))
    if len(parts) == 6:
        os.kill(os.getpid(), signal.SIGKILL)

part_writer.PartWriter.publish = killed
print(evolve(Path(sys.argv[1]), t.ASKED, TrainingSettings(device="cpu", workers=1), t.SMALL).line)
"""


def test_a_search_that_was_killed_ends_as_one_that_was_not(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(monkeypatch)
    space(lake)
    command = [sys.executable, "-c", KILLED, str(lake)]
    child = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    before = catalog.run_sql(Lake(lake), "FROM tuning_trials").num_rows
    assert 5 <= before < 12 and not (lake / "rules").exists()
    plan = TrainingSettings(device="cpu", workers=1)
    again = evolve(lake, ASKED, plan, SMALL)
    space(tmp_path / "whole")
    whole = evolve(tmp_path / "whole", ASKED, plan, SMALL)
    assert again.path and whole.path and again.path.read_text() == whole.path.read_text()
    columns = "SELECT tuning_id, step, arch_id, value FROM tuning_trials ORDER BY ALL"
    both = [catalog.run_sql(Lake(root), columns).to_pylist() for root in (lake, tmp_path / "whole")]
    assert both[0] == both[1] and len(both[0]) == 12


@pytest.mark.parametrize(("inputs", "name"), [("images", "regression-fast"), ("sequences", "regression-nlp")])
def test_a_schedule_says_how_a_task_is_trained_and_scored_but_not_which(inputs: str, name: str) -> None:
    drawn = genes.drawn(inputs, Random(0))
    plain, scheduled = (genes.preset(drawn, inputs, "a", "", s) for s in (None, genes.schedule(name, inputs)))
    of_task = {"name", "description", "noise", "stages", "features", "input", "target", "task"}
    assert plain.model_dump(include=of_task) == scheduled.model_dump(include=of_task)
    assert presets.load(name).model_dump(exclude=of_task) == scheduled.model_dump(exclude=of_task)
    assert (plain.model_dump(exclude=of_task) == scheduled.model_dump(exclude=of_task)) == (inputs == "sequences")


def test_workers_train_tasks_on_the_cards_in_turn_as_they_score_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[float] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", chosen.append)
    monkeypatch.setattr(executor, "worker_number", lambda: 3)
    monkeypatch.setattr(arithmetic, "exact", lambda _device: None)
    monkeypatch.setattr(environment, "of_worker", lambda device: {"device": device})
    task = TrialTrainer("nasbench201", "topology", "images", "0" * 16, {}, None, "cuda", sharing=2)
    assert task.prepare() == {"device": "cuda"} and chosen == [1, 0.45]


def test_another_schedule_is_another_search(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shallow(monkeypatch)
    space(lake)
    quick = tmp_path / "quick.toml"
    quick.write_text('name = "quick"\nextends = "regression-fast"\niterations = 6\n')
    plans = [TrainingSettings(schedule=str(quick), device="cpu", workers=1)]
    quick_too = tmp_path / "too.toml"
    quick_too.write_text('name = "too"\nextends = "regression-fast"\niterations = 5\n')
    plans.append(TrainingSettings(schedule=str(quick_too), device="cpu", workers=1))
    tuned = [evolve(lake, ASKED, plan, SMALL) for plan in plans]
    preset = presets.load(str(tuned[0].path))
    assert isinstance(preset, presets.Preset) and preset.rule is not None
    assert (preset.iterations, preset.evaluate_every, preset.rule.last, preset.initial) == (6, 0, 5, "torch")
    ids = catalog.run_sql(Lake(lake), "SELECT DISTINCT tuning_id FROM tuning_trials").num_rows
    assert ids == 2 and [f.trainings for f in tuned] == [12, 12]


@pytest.mark.parametrize("name", ["regression-menu", "regression-nlp", "regression-fats"])
def test_a_schedule_that_does_not_fit_is_told(lake: Path, name: str) -> None:
    space(lake)
    asked = ["tune", "nasbench201", "--method", "evolution", "--labels", "4", "--schedule", name, "--lake", str(lake)]
    result = CliRunner().invoke(cli.app, asked)
    assert result.exit_code == 1
    assert ("regression-fast" if name == "regression-fats" else "no single task over images") in str(result.exception)


def test_a_draw_from_the_bank_takes_the_task_that_ranks_its_labels_best(tmp_path: Path) -> None:
    """Losses: lower is better. Task 3 ranks as the truth does, and the larger budget tries all ten tasks."""
    random = np.random.default_rng(0)
    size, tasks = 60, 10
    losses = random.normal(size=(tasks, size))
    losses[3] = -np.arange(size)
    lake = lakes.publish(
        tmp_path / "lake",
        proxies=[lakes.proxy(f"{t:016x}", f"task-{t}", higher_is_better=False) for t in range(tasks)],
        scores=[lakes.score(a, f"{t:016x}", losses[t, a]) for t in range(tasks) for a in range(size)],
        architectures=[lakes.architecture(a) for a in range(size)],
        runs=[lakes.run()],
    )
    names = [f"task-{t}" for t in range(tasks)]
    arch_ids = [lakes.arch(a) for a in range(size)]
    scores = bench_evolution.scores(lake, lakes.BENCHMARK, lakes.SPACE, names)
    table = np.array([[of[a] for a in arch_ids] for of in scores])
    rho_of_draws = bench_evolution.rhos(table, table[3:4], np.arange(float(size)), arch_ids)
    assert rho_of_draws.shape == (bench_evolution.DRAWS, 3) and (rho_of_draws[:, 1:] == pytest.approx(1.0))
    assert 0.2 < np.mean(rho_of_draws[:, 0] > 0.999) < 0.4  # three tasks of ten have it in three draws of ten


@pytest.mark.parametrize(
    ("changes", "of_search", "says"),
    [
        ({"labels": 17}, {}, "16 architectures have a true value, 17 labels are needed"),
        ({}, {"budget": 3}, "--budget 3: one task takes 4 trainings"),
    ],
)
def test_what_cannot_be_searched_is_told(lake: Path, changes: Any, of_search: Any, says: str) -> None:
    space(lake)
    data = TuningData("nasbench201", "topology", **{"labels": 4, **changes})
    with pytest.raises(UserError, match=says):
        evolve(lake, data, TrainingSettings(device="cpu"), EvolutionSettings(**of_search))


def test_labels_that_are_equal_are_told_before_a_training(lake: Path) -> None:
    space(lake, between=0.0)
    with refused("4 labels with the same cifar10 test_accuracy rank nothing"):
        evolve(lake, ASKED, TrainingSettings(device="cpu"), SMALL)
