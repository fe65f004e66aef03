"""Lakes made up for tests: a space of numbered architectures, their truth in two sources, three proxies and curves."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.store import Lake

BENCHMARK, SPACE = "madeup", "toys"
DATASET, METRIC = "digits", "test_accuracy"
RUN = "00000000000000aa"
SEARCH = "5555555555555555"
BIG, SMALL = "b000000000000000", "a000000000000000"  # sources: every architecture; the first ten
OURS, SIZE, RELEASED = "1111111111111111", "2222222222222222", "3333333333333333"
WEIGHTS = (0.25, 0.5, 1.0)
ITERATIONS = tuple(range(1, 21))

Row = dict[str, Any]


def arch(number: int) -> str:
    return f"{number:016x}"


def run(**changes: Any) -> Row:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "run_id": RUN, "stage": "score", "arguments": "{}", "started_at": at, "finished_at": None, "status": "running",
        "code_version": "0", "host": "here", "device": "cpu", "packages": '{"python":"3"}', **changes,
    }  # fmt: skip


def source(source_id: str, name: str, **changes: Any) -> Row:
    return {
        "source_id": source_id, "benchmark": BENCHMARK, "name": name, "file_name": f"{name}.csv", "sha256": "ab" * 32,
        "bytes": 10, "licence": "MIT", "reader_version": 1, "rows": 1, "rejected": 0, "run_id": RUN, **changes,
    }  # fmt: skip


def architecture(number: int, **changes: Any) -> Row:
    spec = json.dumps({"cells": number})
    return {
        "benchmark": BENCHMARK, "space": SPACE, "arch_id": arch(number), "spec": spec, "native_id": None,
        "source_id": BIG, **changes,
    }  # fmt: skip


def metric(dataset: str = DATASET, metric: str = METRIC, **changes: Any) -> Row:
    return {
        "benchmark": BENCHMARK, "dataset": dataset, "metric": metric, "split": "test", "unit": "percent",
        "higher_is_better": True, "priority": 1, "description": "made up", **changes,
    }  # fmt: skip


def truth(number: int, value: float | None, **changes: Any) -> Row:
    return {
        "benchmark": BENCHMARK, "space": SPACE, "arch_id": arch(number), "dataset": DATASET, "metric": METRIC,
        "epochs": 9, "seed": None, "epoch": None, "value": value, "status": "ok" if value is not None else "diverged",
        "reason": None if value is not None else "loss is nan", "source_id": BIG, **changes,
    }  # fmt: skip


def proxy(proxy_id: str, name: str, configuration: Row | None = None, **changes: Any) -> Row:
    return {
        "proxy_id": proxy_id, "name": name, "configuration": json.dumps(configuration or {}), "version": 1,
        "higher_is_better": False, **changes,
    }  # fmt: skip


def score(number: int, proxy_id: str, value: float | None, **changes: Any) -> Row:
    return {
        "benchmark": BENCHMARK, "space": SPACE, "arch_id": arch(number), "proxy_id": proxy_id, "seed": 0,
        "value": value, "status": "ok", "reason": None, "seconds": 2.0, "device": "cpu", "run_id": RUN, **changes,
    }  # fmt: skip


def curve(number: int, proxy_id: str, stage: int, mode: str, losses: Iterable[float], **changes: Any) -> Row:
    losses = list(losses)
    return {
        "benchmark": BENCHMARK, "space": SPACE, "arch_id": arch(number), "proxy_id": proxy_id, "seed": 0,
        "stage": stage, "signal": "sum", "mode": mode, "iterations": list(range(1, len(losses) + 1)),
        "losses": losses, **changes,
    }  # fmt: skip


def search(**changes: Any) -> Row:
    return {
        "search_id": SEARCH, "benchmark": BENCHMARK, "space": SPACE, "method": "evolution", "proxy_id": OURS,
        "score_seed": 0, "configuration": "{}", **changes,
    }  # fmt: skip


def step(seed: int, number: int, architecture: int, value: float | None, **changes: Any) -> Row:
    return {
        "search_id": SEARCH, "seed": seed, "step": number, "arch_id": arch(architecture), "parent": None,
        "value": value, "scored": number, "seconds": 2.0 * number, "run_id": RUN, **changes,
    }  # fmt: skip


def tuned_draw(method: str, draw: int, rho: float, **changes: Any) -> Row:
    return {
        "evaluation_id": "e" * 16, "benchmark": BENCHMARK, "space": SPACE, "to_benchmark": BENCHMARK, "to_space": SPACE,
        "dataset": DATASET, "metric": METRIC, "terms": "all", "method": method, "labels": 5, "draw": draw, "n": 25,
        "rho": rho, "run_id": RUN, **changes,
    }  # fmt: skip


def tuning(**changes: Any) -> Row:
    return {
        "tuning_id": "d" * 16, "benchmark": BENCHMARK, "space": SPACE, "dataset": DATASET, "metric": METRIC,
        "method": "evolution", "name": "regression-toy", "proxy_id": OURS, "configuration": "{}", "seed": 0,
        "labels": [arch(number) for number in range(3, 8)], "trainings": 100, "fitness": 0.9, "rule": "", "run_id": RUN,
        **changes,
    }  # fmt: skip


def empty(root: Path) -> Lake:
    return Lake(root, create=True)


def publish(root: Path, part: str = "0", **tables: list[Row]) -> Lake:
    """A lake with one more part of these rows."""
    lake = Lake(root, create=True)
    lake.publish(BENCHMARK, part, tables)
    return lake


def made_up(root: Path, size: int = 30) -> Lake:
    """A sound lake in several parts, with ties, seeds, failures, sources, a released proxy, curves and a search.

    Of the search, seed 0 finds 5, 7, then a failure and an equal of 7; seed 1 finds 9 and then nothing better.
    """
    draw = random.Random(7)
    quality = [draw.gauss(0, 1) for _ in range(size)]
    done = run(finished_at=datetime(2026, 1, 2, tzinfo=UTC), status="finished")
    publish(
        root, "ingest", runs=[run(), done], sources=[source(BIG, "big"), source(SMALL, "small")],
        metrics=[metric(), metric(metric="test_loss", unit="nats", higher_is_better=False, priority=2)],
        architectures=[architecture(i) for i in range(size)],
        truth=_truth(quality, draw),
    )  # fmt: skip
    configured = {"stage_weights": list(WEIGHTS), "images": {"kind": "cifar10"}}
    publish(
        root, "scores-0", proxies=[proxy(OURS, "regression-toy", configured), proxy(SIZE, "params@big")],
        scores=[s for i in range(size) for s in _scores(i, quality[i], draw)],
        curves=[c for i in range(3, size) for c in _curves(i, quality[i], draw)],
    )  # fmt: skip
    released = [score(i, RELEASED, round(quality[i], 1), seed=None, seconds=None, device=None) for i in range(size)]
    return publish(
        root, "scores-1", scores=released,
        searches=[search()], trajectories=[
            step(0, 1, 5, 3.0), step(0, 2, 7, 2.0), step(0, 3, 1, None), step(0, 4, 8, 2.0),
            step(1, 1, 9, 4.0), step(1, 2, 3, 5.0),
        ],
        proxies=[proxy(OURS, "regression-toy", configured), proxy(RELEASED, "synflow@small", higher_is_better=True)],
        architectures=[architecture(i, native_id=str(i), source_id=SMALL) for i in range(size)],
        tunings=[tuning()], tuning_draws=_tuned_draws(),
    )  # fmt: skip


def _tuned_draws() -> list[Row]:
    """A method that beats the best without labels in each draw, one that does not, and a rule carried elsewhere."""
    elsewhere = {"evaluation_id": "f" * 16, "to_space": "blocks", "n": 40}
    rows = []
    for draw in range(4):
        alone = 0.6 + draw / 100
        rows += [tuned_draw("alone", draw, alone, terms="params", labels=0), tuned_draw("mixed", draw, alone + 0.1)]
        rows += [tuned_draw("single", draw, alone - 0.1), tuned_draw("ridge", draw, alone + (-0.1) ** draw)]
        rows += [tuned_draw("untuned", draw, 0.5, labels=0, **elsewhere), tuned_draw("mixed", draw, 0.4, **elsewhere)]
    return rows


def _truth(quality: list[float], draw: random.Random) -> list[Row]:
    rows = []
    for i, q in enumerate(quality):
        rows += [truth(i, round(50 + 5 * q + draw.gauss(0, 1), 1), seed=s) for s in range(1 + i % 3)]
        rows += [truth(i, 40 + q, epochs=1, seed=0), truth(i, 2 - q / 3, metric="test_loss")]
        rows += [truth(i, 20 + q, seed=0, epoch=5)]
        if i < 10:
            rows.append(truth(i, 50 + 5 * q, source_id=SMALL))
    return [*rows, truth(0, None, seed=9)]


def _scores(number: int, quality: float, draw: random.Random) -> list[Row]:
    size = score(number, SIZE, -quality, seed=None, seconds=None, device=None)
    if number == 0:
        return [size, score(number, OURS, None, status="diverged", reason="loss is not finite")]
    if number in (1, 2):
        return [size, score(number, OURS, None, status="unbuildable", reason="no path to the output", seconds=0.1)]
    again = score(number, OURS, 3 - quality + draw.gauss(0, 1), seed=1)
    return [size, score(number, OURS, 3 - quality + draw.gauss(0, 0.5), seconds=1 + number / 10), again]


def _curves(number: int, quality: float, draw: random.Random) -> list[Row]:
    def losses(noise: Callable[[int], float], stage: int) -> list[float]:
        return [3 - quality * stage / 2 + draw.gauss(0, noise(i)) for i in ITERATIONS]

    train = [curve(number, OURS, s, "train", losses(lambda i: 4 / i, s)) for s in range(3)]
    evaluated = [
        curve(number, OURS, s, "eval", losses(lambda i: 8 / i, s)[9::10], iterations=[10, 20]) for s in range(3)
    ]
    return train + evaluated
