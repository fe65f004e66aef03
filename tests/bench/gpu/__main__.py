"""`make gpu`: what a CUDA card does with this package, within ten minutes on the first one that comes.

    python -m tests.bench.gpu [STEP[=SECONDS] ...] [--seconds 600] [--out data/gpu] [--images FOLDER]

Each step runs in a process of its own with a deadline. When it ends, its row is printed and added to OUT/rows.jsonl, so
that a run which is cut off has said what it knew; a step that fails says so, and the next goes on. `versions` comes
first in any case. The step `whole` is not among those of a run without names: it scores whole search spaces.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from pipeline import executor
from tests.bench.gpu import (
    about,
    agreement,
    convolutions,
    graphs,
    host,
    kernels,
    launches,
    marked,
    runner,
    stacked,
    steady,
    whole,
    workers,
)
from tests.bench.gpu.runner import NoCardError, Step
from tests.bench.gpu.setting import Setting

STEPS = {
    "versions": Step(about.versions, 25, "versions, flags, MPS, speed of host and card"),
    "graph": Step(graphs.one_graph, 30, "one network, recorded beside eager: first losses, weights after four steps"),
    "together": Step(graphs.together, 40, "networks are recorded while others replay"),
    "tests": Step(marked.tests, 50, "the tests marked gpu"),
    "plain": Step(agreement.plain_alone, 80, "the plain eager loop, one network at a time"),
    "host": Step(host.host, 40, "the host's time by part"),
    "kernels": Step(kernels.kernels, 30, "the longest kernels in both layouts"),
    "ceiling": Step(kernels.ceiling, 40, "recorded networks that only replay, on 1 to 16 streams"),
    "convolutions": Step(convolutions.convolutions, 30, "a convolution's parts in the shapes of the networks"),
    "engine": Step(steady.engine, 90, "the engine in its steady state"),
    "launches": Step(launches.launches, 80, "how the kernels of operation tables are launched best"),
    "agreement": Step(agreement.agreements, 100, "plain, engine, engine again: rho, first losses, spread"),
    "stacked": Step(stacked.stacked, 60, "the engine by operation tables"),
    "workers": Step(workers.workers, 90, "one to four processes, without MPS and with it"),
    "whole": Step(whole.whole, 540, "all of NAS-Bench-201, NAS-Bench-101 as far as time allows"),
}
BY_DEFAULT = [name for name in STEPS if name not in ("whole", "launches")]
TEN_MINUTES = 600.0


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    given = dict(step.partition("=")[::2] for step in options.steps)
    if unknown := set(given) - set(STEPS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    if options.images is not None and not options.images.exists():
        sys.exit(f"--images {options.images} does not exist")
    names = list(dict.fromkeys(["versions", *(given or BY_DEFAULT)]))
    os.environ.update(executor.CUDA_SETTINGS | dict(os.environ))  # as `pipeline score` has them
    torch.set_num_threads(1)
    setting = Setting(
        options.out, images=options.images, plain=options.plain, many=options.many, architectures=options.architectures,
        presets=options.presets.split(","), spaces=options.spaces.split(","), sizes=_numbers(options.sizes),
        processes=_numbers(options.processes), repeats=options.repeats,
        groups=_numbers(options.groups), precisions=options.precisions.split(","), workers=options.workers,
    )  # fmt: skip
    _warn_of_unmet()
    began = time.monotonic()
    steps = _within(names, options.seconds)
    steps |= {name: replace(steps[name], seconds=float(seconds)) for name, seconds in given.items() if seconds}
    try:
        failed = runner.run(steps, setting)
    except NoCardError as error:
        sys.exit(str(error))
    print(f"{options.out / runner.ROWS}: {len(names)} rows, {failed} with an error, {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


def _warn_of_unmet() -> None:
    """Say what this Python lacks before a step fails for it."""
    try:
        from tests.bench.gpu import wheels
    except ImportError as error:
        print(f"whether this Python has what the package needs is not known: {error}", flush=True)
        return
    if unmet := wheels.unmet(wheels.stated()):
        print(f"this Python has {'; '.join(unmet)}: steps may fail for it", flush=True)


def _within(names: Sequence[str], seconds: float) -> dict[str, Step]:
    """The steps, each with its share of the seconds; `whole` gets all that the others leave."""
    steps = {name: STEPS[name] for name in names}
    measured = sum(step.seconds for name, step in steps.items() if name != "whole")
    if "whole" in steps:
        measured = min(measured, seconds / 10)
        steps["whole"] = Step(steps["whole"].run, seconds - measured, steps["whole"].help)
        return steps
    scale = min(2.0, seconds / measured)
    return {name: Step(step.run, step.seconds * scale, step.help) for name, step in steps.items()}


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help="NAME or NAME=SECONDS")
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES, help="for all steps together; fewer trim repeats")
    parser.add_argument("--out", type=Path, default=Path("data/gpu"), help="folder of the results")
    parser.add_argument("--images", type=Path, help="a folder of pictures instead of the synthetic batch")
    parser.add_argument("--plain", type=int, default=24, help="networks that the plain loop trains")
    parser.add_argument("--many", type=int, default=256, help="networks of a steady state")
    parser.add_argument("--repeats", type=int, default=2, help="of the engine's steady state")
    parser.add_argument("--sizes", default="8,16", help="networks of a group")
    parser.add_argument("--processes", default="1,2,3,4", help="that train at the same time")
    parser.add_argument("--groups", default="64", help="networks of a group of the engine by operation tables")
    parser.add_argument("--precisions", default="ieee", help="of its products")
    parser.add_argument("--workers", type=int, help="of whole; as many as `pipeline score` has by default")
    parser.add_argument("--spaces", default="nasbench201,nasbench101")
    parser.add_argument("--presets", default="regression-fast,regression-n101,regression-menu", help="of whole")
    parser.add_argument("--architectures", type=Path, help="those of NAS-Bench-101 for whole, one per line")
    return parser


if __name__ == "__main__":
    main()
