"""How far the scores of two ways to train agree."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from pipeline.proxies.contract import Curve, Score
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, networks, score_all
from tests.fixtures import plain

ENOUGH = 48  # networks; rho over fewer says nothing
ENDING = 3.0  # seconds that are kept for the row
HELPERS = 8  # processes of the plain loop, where only its scores are wanted


def agreement(scores: Sequence[Score], others: Sequence[Score]) -> Row:
    """Spearman's rho over enough networks, and relative differences: of the scores, and of the first training loss.

    Before the first step nothing has magnified rounding yet: there two ways to compute one loss agree to the last
    digits of float32, or they compute something else. An evaluation comes after steps, and is not compared.
    """
    pairs = [(a, b) for a, b in zip(scores, others, strict=True) if a.value is not None and b.value is not None]
    row: Row = {"networks": len(pairs), "without_a_score": len(scores) - len(pairs)}
    if not pairs:
        return row
    apart = [abs(a.value - b.value) / max(abs(b.value), 1e-30) for a, b in pairs]  # type: ignore[operator, arg-type]
    row |= {"score_apart": statistics.median(apart), "score_apart_at_most": max(apart)}
    firsts = [
        abs(curve.losses[0] - other.losses[0]) / abs(other.losses[0])
        for a, b in pairs
        for curve, other in zip(_trained(a.curves), _trained(b.curves), strict=True)
        if other.losses[0]
    ]
    row["first_loss_apart_at_most"] = max(firsts, default=None)
    if len(pairs) >= ENOUGH:
        row["rho"] = float(spearmanr([a.value or 0 for a, _ in pairs], [b.value or 0 for _, b in pairs]).statistic)
    else:
        row["rho"] = f"not of {len(pairs)} networks, but of {ENOUGH} or more"
    return row


def _trained(curves: Sequence[Curve]) -> list[Curve]:
    return [curve for curve in curves if curve.mode == "train"]


def plain_alone(setting: Setting) -> Row:
    """The plain eager loop, one network at a time: the yardstick of speed."""
    row: Row = {}
    for number, name in enumerate(setting.spaces):
        proxy, some = setting.proxy(), networks(name, setting.plain)
        share, began = setting.left / (len(setting.spaces) - number), setting.left
        with plain.loop():
            proxy.score(*some[0], 0, setting.device)  # loads kernels
            seconds: list[float] = []
            scores: list[Score] = []
            for network in some:
                if began - setting.left > share - 5 and len(seconds) >= 4:
                    break
                took, score = setting.timed(partial(proxy.score, *network, 0, setting.device))
                seconds.append(took)
                scores.append(score)
        row[name] = {
            "networks": len(seconds), "ms_per_architecture": 1e3 * statistics.mean(seconds),
            "ms_fastest": 1e3 * min(seconds), "ms_slowest": 1e3 * max(seconds),
            "statuses": statuses(scores),
        }  # fmt: skip
        _keep(setting, name, scores, statistics.mean(seconds))
        partly(setting, row)
    return row


def agreements(setting: Setting) -> Row:
    """Plain, engine, and engine again: rho, first losses, and how far two runs of the engine lie apart."""
    row: Row = {}
    size = setting.sizes[0]
    for number, name in enumerate(setting.spaces):
        share = setting.left / (len(setting.spaces) - number)
        proxy, (expected, seconds) = setting.proxy(), stored(setting, name)
        count = max(ENOUGH, len(expected)) if share > 40 else len(expected)
        some = networks(name, count)
        on = setting.card(size)
        once = score_all(proxy, some, setting.device, on)
        again = score_all(proxy, some, setting.device, on)
        row[name] = {
            "statuses": statuses(once),
            "engine_again": agreement(again, once),
            "same_bits": sum(a == b for a, b in zip(once, again, strict=True)),
        }
        partly(setting, row)
        expected += plainly(setting, name, len(expected), count)
        _keep(setting, name, expected, seconds)
        row[name]["with_plain"] = agreement(once[: len(expected)], expected)
        partly(setting, row)
    return row


def plainly(setting: Setting, name: str, first: int, count: int) -> list[Score]:
    """The plain loop's scores of the networks from `first` on, by several processes at once: not to be timed.

    Those that are there when the step's time is used up; the processes end with it.
    """
    scores: list[Score] = []
    if first >= count:
        return scores
    with multiprocessing.get_context("spawn").Pool(min(HELPERS, count - first)) as pool:
        asked = [
            pool.apply_async(_plain_score, (setting.preset, setting.images, setting.device, name, number))
            for number in range(first, count)
        ]
        with contextlib.suppress(multiprocessing.TimeoutError):
            for score in asked:
                scores.append(score.get(timeout=max(0.0, setting.left - ENDING)))
    return scores


def _plain_score(preset: str, images: Path | None, device: str, name: str, number: int) -> Score:
    import torch

    from pipeline.proxies import regression

    torch.set_num_threads(1)
    with plain.loop():
        return regression.load(preset, images).score(*networks(name, 1, first=number)[0], 0, device)


def statuses(scores: Sequence[Score]) -> dict[str, int]:
    """How many of each, with its reason."""
    names = [f"{score.status} {score.reason or ''}".strip() for score in scores]
    return {name: names.count(name) for name in sorted(set(names))}


def _keep(setting: Setting, name: str, scores: Sequence[Score], seconds: float | None) -> None:
    text = json.dumps({"seconds": seconds, "scores": [_as_json(score) for score in scores]})
    (setting.out / f"plain-{name}.json").write_text(text)


def _as_json(score: Score) -> dict[str, Any]:
    return {**vars(score), "curves": [vars(curve) for curve in score.curves]}


def stored(setting: Setting, name: str) -> tuple[list[Score], float | None]:
    """What the steps `plain` and `agreement` have kept: scores of the first networks, and seconds per architecture."""
    kept = setting.out / f"plain-{name}.json"
    if not kept.exists():
        return [], None
    content = json.loads(kept.read_text())
    scores = [Score(**{**row, "curves": tuple(Curve(**curve) for curve in row["curves"])}) for row in content["scores"]]
    return scores, content["seconds"]
