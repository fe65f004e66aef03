"""Recorded steps beside eager ones, and recording while others replay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from pipeline.proxies.contract import Network, Proxy, Score
from tests.bench.gpu.agreement import agreement, statuses
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, networks, score_all, scorer_of

STEPS, EVERY = 4, 2  # iterations of a graph beside eager, and between its evaluations
LONGER = 20  # iterations of networks that replay while others are recorded

Result = tuple[Score, torch.Tensor]


def one_graph(setting: Setting) -> Row:
    """One network: losses of four steps, and the weights after them."""
    row: Row = {}
    for name in setting.spaces:
        network, row[name] = networks(name, 1)[0], {}
        with setting.short(STEPS, EVERY) as proxy:
            ways: dict[str, Callable[[Network], Score]] = {
                "eager": partial(_eager, proxy, setting.device),
                "eager_again": partial(_eager, proxy, setting.device),
                "engine_unrecorded": partial(_engine, setting, proxy, None),
                "engine": partial(_engine, setting, proxy, setting.graph),
                "cpu": partial(_eager, proxy, "cpu"),
            }
            results: dict[str, Result] = {}
            for way, train in ways.items():
                try:
                    results[way] = _with_weights(train, network)
                    row[name][way] = _compared(results[way], results.get("eager"))
                except Exception as error:
                    row[name][way] = {"error": f"{type(error).__name__}: {error}"[:400]}
                partly(setting, row)
            if {"engine", "engine_unrecorded"} <= set(results):
                row[name]["recorded_has_the_same_bits"] = results["engine"][0] == results["engine_unrecorded"][0]
    return row


def _compared(result: Result, reference: Result | None) -> Row:
    score, weights = result
    row: Row = {"status": score.status, "reason": score.reason, "score": score.value}
    if reference is not None and reference[0].curves and score.curves:
        expected, theirs = reference
        row |= agreement([score], [expected])
        row["losses_apart_at_most"] = max(
            abs(a - b) / abs(b)
            for curve, other in zip(score.curves, expected.curves, strict=True)
            for a, b in zip(curve.losses, other.losses, strict=True)
        )
        row["weights_apart"] = float((weights - theirs).norm() / theirs.norm())
    return row


def _with_weights(train: Callable[[Network], Score], network: Network) -> Result:
    """The score, and the backbone's weights after the training."""
    build, arch_id = network
    built: list[nn.Module] = []

    def watched() -> nn.Module:
        built.append(build())
        return built[-1]

    score = train((watched, arch_id))
    return score, torch.cat([weight.detach().cpu().flatten().double() for weight in built[-1].parameters()])


def _engine(setting: Setting, proxy: Proxy, graph: Any, network: Network) -> Score:
    [score] = score_all(proxy, [network], setting.device, setting.card(1, graph=graph))
    return score


def together(setting: Setting) -> Row:
    """Networks that are recorded while others replay have the losses that they have alone."""
    row: Row = {}
    size = setting.sizes[0]
    for name in setting.spaces:
        some = networks(name, 3 * size)
        with setting.short(LONGER, LONGER // 2) as proxy:
            on = setting.card(size)
            seconds, beside = setting.timed(partial(score_all, proxy, some, setting.device, on))
            few = some[size : 2 * size]  # recorded while the first group trains, trained while the third is recorded
            alone = score_all(proxy, few, setting.device, setting.card(1))
            row[name] = {
                "networks": len(some), "size": size, "statuses": statuses(beside),
                "seconds_with_start": seconds, "beside_and_alone": agreement(beside[size : 2 * size], alone),
                "same_bits": sum(a == b for a, b in zip(beside[size : 2 * size], alone, strict=True)),
                "recorded": _recorded(proxy, setting, few[0]),
            }  # fmt: skip
            partly(setting, row)
    return row


def _eager(proxy: Proxy, device: str, network: Network) -> Score:
    return proxy.score(*network, 0, device)


def _recorded(proxy: Proxy, setting: Setting, network: Network) -> bool:
    """Whether the engine needs no plain loop for a network."""
    scorer = scorer_of(proxy)
    called: list[int] = []
    plain, scorer.score = scorer.score, lambda *some: (called.append(1), plain(*some))[1]  # type: ignore[func-returns-value]
    try:
        score_all(proxy, [network], setting.device, setting.card(1))
    finally:
        scorer.score = plain
    return not called
