"""Where the host's time goes while the engine trains: known parts by their timers, every thread by samples."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType
from typing import Any

from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, Training, networks

PARTS = (
    "resident:Card.resident", "training:model_of", "card:moved", "recorded:Resident._move", "training:optimiser_of",
    "recorded:Resident._warm_up", "card:Slot.recorded", "recorded:_draw", "recorded:Resident.launch",
    "recorded:Resident.losses", "recorded:Resident.close", "resident:Card.tidy",
)  # fmt: skip
ENGINE = "pipeline.proxies.regression"
EVERY = 0.003  # seconds between two samples
LINES = 25


def host(setting: Setting) -> Row:
    """Milliseconds per architecture by part, and which lines the threads are at."""
    row: Row = {}
    size = setting.sizes[0]
    for number, name in enumerate(setting.spaces):
        share = setting.left / (len(setting.spaces) - number)
        proxy, some = setting.proxy(), networks(name, setting.many)
        on = setting.card(size)
        Training(proxy, some[: 2 * size], on).run(
            time.monotonic() + share / 4
        )  # every slot has had a network, every library is loaded
        with parts() as spent:
            training = Training(proxy, some, on)
            seconds, _ = setting.timed(partial(training.run, time.monotonic() + share / 4))
        count = len(training.done) or 1
        row[name] = {
            "networks": count, "ms_per_architecture": 1e3 * seconds / count, "errors": training.errors[:2],
            "parts_ms": {part: _per(spent[part], count) for part in spent},
        }  # fmt: skip
        partly(setting, row)
        training = Training(proxy, some, on)
        with samples() as counted:
            training.run(time.monotonic() + share / 4)
        row[name]["threads"] = counted
        partly(setting, row)
    return row


def _per(spent: dict[str, list[float]], count: int) -> dict[str, str]:
    """By thread: wall and processor milliseconds per architecture, and calls."""
    return {
        thread: f"{1e3 * wall / count:.2f} wall, {1e3 * cpu / count:.2f} cpu, {calls / count:.1f} calls"
        for thread, (wall, cpu, calls) in spent.items()
    }


@contextmanager
def parts() -> Iterator[dict[str, dict[str, list[float]]]]:
    """Time the functions of `PARTS` within; one that the engine does not have any more is left out."""
    spent: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0, 0.0]))
    with ExitStack() as undo:
        for part in PARTS:
            module, _, path = part.partition(":")
            try:
                holder: Any = importlib.import_module(f"{ENGINE}.{module}")
                *classes, attribute = path.split(".")
                for name in classes:
                    holder = getattr(holder, name)
                whole = getattr(holder, attribute)
            except (ImportError, AttributeError):
                continue
            setattr(holder, attribute, _timed(whole, spent[part]))
            undo.callback(setattr, holder, attribute, whole)
        yield spent


def _timed(whole: Callable[..., Any], spent: dict[str, list[float]]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return whole(*arguments, **named)
        finally:
            entry = spent[threading.current_thread().name]
            entry[0] += time.perf_counter() - wall
            entry[1] += time.thread_time() - cpu
            entry[2] += 1

    return call


@contextmanager
def samples() -> Iterator[dict[str, Any]]:
    """Look at all threads now and then: the share of the samples at which a line of the engine was under way."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    row: dict[str, Any] = {}
    stop = threading.Event()
    main = threading.get_ident()

    def look() -> None:
        own = threading.get_ident()
        while not stop.wait(EVERY):
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            for ident, frame in sys._current_frames().items():
                if ident != own:
                    name = "main" if ident == main else names.get(ident, "?")
                    counted[name][_line(frame)] += 1

    looker = threading.Thread(target=look, name="looker", daemon=True)
    looker.start()
    try:
        yield row
    finally:
        stop.set()
        looker.join()
        for name, lines in counted.items():
            total = sum(lines.values())
            row[name] = [f"{100 * n / total:5.1f} % {line}" for line, n in lines.most_common(LINES)]


def _line(frame: FrameType) -> str:
    """The innermost line of the package, and the function that it is in."""
    inner: FrameType | None = frame
    while inner is not None:
        path = inner.f_code.co_filename
        if "/pipeline/" in path:
            here = f"{path.rpartition('/pipeline/')[2]}:{inner.f_lineno} {inner.f_code.co_name}"
            return here if inner is frame else f"{here} > {frame.f_code.co_name}"
        inner = inner.f_back
    return f"{frame.f_code.co_filename.rpartition('/')[2]} {frame.f_code.co_name}"
