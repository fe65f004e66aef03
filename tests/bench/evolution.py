"""What a search for a task with a small budget is worth, over many draws of the labels.

    python -m tests.bench.evolution LAKE BENCHMARK [--tasks 16] [--architectures 90] [--images FOLDER]

While a search draws its first population, every task is random and is tried on every label: with 20 labels and a
population of ten or more, 60 and 200 trainings are the best of 3 and of 10 random tasks. Two hundred such searches do
not need two hundred times the trainings: a bank of random tasks is scored once on the same architectures, as any proxy
is (stored, resumable), and each search draws its labels and its tasks. LAKE holds the benchmark's truth and the scores
of the presets that stand beside it (`pipeline merge data/scores`). Prints the mean of rho on the architectures that are
not labelled, and 95 % of the draws; the same for the presets, and the difference in the same draws.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from pipeline import benchmarks, catalog, provenance
from pipeline.lake.store import Lake
from pipeline.proxies.images import parse_source
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from pipeline.tuning import genes, methods, rules, terms, trials

LABELS, DRAWS = 20, 200
BUDGETS = (60, 200)
SCHEDULES = {"images": "regression-fast", "sequences": "regression-nlp"}
BESIDE = {"images": ("regression-fast", "regression-n101"), "sequences": ("regression-nlp",)}
Floats = npt.NDArray[np.float64]


def bank(folder: Path, benchmark: str, count: int) -> list[str]:
    """Files of random tasks."""
    inputs = benchmarks.load(benchmark).inputs
    schedule = genes.schedule(SCHEDULES[inputs], inputs)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        drawn = genes.drawn(inputs, Random(provenance.stream_seed("bank", benchmark, number)))
        name = f"random-{benchmark.replace('_', '-')}-{number}"
        preset = genes.preset(drawn, inputs, name, "", schedule)
        files.append(str(folder / f"{name}.toml"))
        Path(files[-1]).write_text(rules.toml(trials.configuration_of(preset), "A random task."))
    return files


def scores(lake: Lake, benchmark: str, space: str, names: list[str]) -> list[dict[str, float]]:
    """Scores of each proxy by arch_id, higher is better; the worst where a training failed."""
    with closing(catalog.snapshot(lake)) as connection:
        given: dict[str, catalog.Value] = {"benchmark": benchmark, "space": space, "seed": 0}
        rows = catalog.rows(connection, catalog.queries("tuning")["scores"].read_text(), given).to_pylist()
    found = {r["proxy"]: dict(zip(r["arch_ids"], r["scores"], strict=True)) for r in rows}
    return [{a: -np.inf if s is None else s for a, s in found[name].items()} for name in names]


def rhos(tasks: Floats, beside: Floats, truth: Floats, arch_ids: list[str]) -> Floats:
    """Rho of each draw: the task found with each budget, and the proxies beside it, [draws, budgets + proxies]."""
    places = {a: i for i, a in enumerate(arch_ids)}
    found = []
    for draw in range(DRAWS):
        order = np.array([places[a] for a in provenance.nested(arch_ids, draw)])
        labelled, rest = order[:LABELS], order[LABELS:]
        random = Random(provenance.stream_seed("bank", "draw", draw))
        drawn = random.sample(range(len(tasks)), max(BUDGETS) // LABELS)
        fitness = [methods.correlation(tasks[t][labelled], truth[labelled]) for t in drawn]
        best = [tasks[drawn[int(np.argmax(fitness[: budget // LABELS]))]] for budget in BUDGETS]
        found.append([methods.correlation(of[rest], truth[rest]) for of in (*best, *beside)])
    return np.array(found)


def told(of: Floats) -> str:
    """Mean and 95 % of the draws."""
    low, high = np.quantile(of, (0.025, 0.975))
    return f"{of.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    """Score the bank, draw, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("benchmark")
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--architectures", type=int, default=90)
    parser.add_argument("--images")
    given = parser.parse_args()
    lake, bench = Lake(given.lake), benchmarks.load(given.benchmark)
    space, beside = bench.space(None).name, BESIDE[bench.inputs]
    truth = terms.target(lake, bench.name, space).truth
    known = set.intersection(*(set(of) for of in scores(lake, bench.name, space, list(beside))))
    arch_ids = [a for a in provenance.nested(truth, 0) if a in known][: given.architectures]
    files = bank(given.lake / "rules" / "random", bench.name, given.tasks)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as only:
        only.write("\n".join(arch_ids))
        only.flush()
        for file in files:
            plan = Plan(bench.name, space, file, parse_source(given.images), 0, "auto")
            print(score.run(given.lake, plan, only=Path(only.name)).line, flush=True)
    names = [Path(file).stem for file in files]
    table = np.array([[of[a] for a in arch_ids] for of in scores(lake, bench.name, space, [*names, *beside])])
    true = np.array([truth[a] for a in arch_ids])
    found = rhos(table[: len(names)], table[len(names) :], true, arch_ids)
    each = [methods.correlation(of, true) for of in table[: len(names)]]
    print(f"every task, on all: median {np.median(each):.3f}, best {max(each):.3f}")
    print(f"{bench.name}: {DRAWS} draws, {LABELS} labels, {len(arch_ids) - LABELS} others, {len(files)} random tasks")
    for at, name in enumerate([*(f"{budget} trainings" for budget in BUDGETS), *beside]):
        less = "" if at >= len(BUDGETS) else f", less {beside[0]} {told(found[:, at] - found[:, len(BUDGETS)])}"
        print(f"{name}: {told(found[:, at])}{less}")


if __name__ == "__main__":
    main()
