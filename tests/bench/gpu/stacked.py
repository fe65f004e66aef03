"""The engine by operation tables, where there is one: architectures of NAS-Bench-201 trained by the dozen."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Sequence
from typing import Any

from pipeline.proxies.contract import Score
from tests.bench import floors
from tests.bench.gpu.agreement import ENOUGH, agreement, statuses, stored
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, Training, networks, score_all
from tests.bench.gpu.steady import rate, utilisation

ENGINE = "pipeline.proxies.regression.stacked.engine"
NAME = "nasbench201"
LEAST = 20.0  # seconds that the comparisons need


def stacked(setting: Setting) -> Row:
    """Steady state by size of a group and by precision; rho and first losses beside the plain loop and the engine."""
    engine = _engine()
    if engine is None:
        return {"left_out": f"{ENGINE} is not here"}
    proxy, (expected, plain_seconds) = setting.proxy(), stored(setting, NAME)
    floor = 1e3 * max(floors.mean(NAME, 4, setting.preset).seconds("H100"))
    row: Row = {"plain_ms": plain_seconds and 1e3 * plain_seconds, "h100_floor_ms": floor}
    ways = [(group, precision) for precision in setting.precisions for group in setting.groups]
    for number, (group, precision) in enumerate(ways):
        share = setting.left / (len(ways) - number + 1)
        try:
            on = _made(engine, setting, group, precision)
            training = Training(proxy, networks(NAME, 8 * group, len(expected) or setting.plain), on)
            began = time.perf_counter()
            with utilisation(setting) as used:
                training.run(time.monotonic() + share - 1)
            found: Row = {
                "networks": len(training.done), "errors": sorted(set(training.errors))[:3],
                "seconds_to_first_group": training.done[0] - began, **used,
                **rate(training.done, group, training.stopped),
            }  # fmt: skip
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:400]}
        if found.get("ms_per_architecture"):
            found["times_floor"] = found["ms_per_architecture"] / floor
            if plain_seconds:
                found["ratio_to_plain"] = 1e3 * plain_seconds / found["ms_per_architecture"]
        row[f"groups of {group}, {precision}"] = found
        partly(setting, row)
    _agree(setting, row, engine, expected)
    return row


def _engine() -> Any:
    try:
        return importlib.import_module(ENGINE).StackedCard
    except ImportError:
        return None


def _made(engine: Any, setting: Setting, group: int, precision: str) -> Any:
    settings = {"graph": setting.graph, "group": group, "precision": precision}
    known = inspect.signature(engine).parameters
    return engine(setting.card(setting.sizes[0]), **{name: value for name, value in settings.items() if name in known})


def _agree(setting: Setting, row: Row, engine: Any, expected: Sequence[Score]) -> None:
    if setting.left < LEAST:
        row["agreement"] = "no time left"
        return
    proxy, some = setting.proxy(), networks(NAME, max(ENOUGH, len(expected)))
    beside = score_all(proxy, some, setting.device, setting.card(setting.sizes[0]))
    for precision in setting.precisions:
        on = _made(engine, setting, setting.groups[0], precision)
        once, again = (score_all(proxy, some, setting.device, on) for _ in range(2))
        row[f"agreement, {precision}"] = {
            "statuses": statuses(once),
            "with_engine": agreement(once, beside),
            "with_plain": agreement(once[: len(expected)], expected),
            "same_bits_again": sum(a == b for a, b in zip(once, again, strict=True)),
        }
        partly(setting, row)
