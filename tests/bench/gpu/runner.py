"""Run steps one after another, each in a process of its own with a deadline, and store what each has found."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import provenance
from tests.bench.gpu.setting import Row, Setting

ROWS = "rows.jsonl"
GRACE = 10.0  # seconds after its deadline until a step is killed
_RESULT = ".step.json"


class NoCardError(Exception):
    """There is no card here; the message says what was looked for."""


@dataclass(frozen=True)
class Step:
    """A measurement.

    Args:
        run: makes the row; it looks at `Setting.left`, and trims its repeats.
        seconds: its share of the time for all steps, which are trimmed or stretched to fit.
        help: what it does.
    """

    run: Callable[[Setting], Row]
    seconds: float
    help: str


def run(steps: Mapping[str, Step], setting: Setting) -> int:
    """Run the steps; a step that fails says so, and the next goes on.

    Every step is a fork of this process, which has imported torch and never touches the card: a step that crashes the
    card's context takes nothing with it, and what a step holds on the card ends with it.

    Returns:
        How many failed.

    Raises:
        NoCardError: a step found no card; the later ones need one, too.
    """
    setting.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, step in steps.items():
        print(f"== {name}: {step.help}; {step.seconds:.0f} s at most", flush=True)
        began = time.monotonic()
        row = _in_a_fork(step, replace(setting, seconds=step.seconds, started=began))
        seconds = round(time.monotonic() - began, 1)
        if "no_card" in row:
            raise NoCardError(row["no_card"])
        failed += "error" in row
        now = datetime.now(UTC).isoformat(timespec="seconds")
        stored = {"step": name, "at": now, "version": provenance.code_version(), "step_seconds": seconds, **row}
        with (setting.out / ROWS).open("a") as stream:
            stream.write(json.dumps(stored) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        print(shown({name: {"step_seconds": seconds, **row}}), flush=True)
    return failed


def _in_a_fork(step: Step, setting: Setting) -> Row:
    result = setting.out / _RESULT
    result.unlink(missing_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    process = multiprocessing.get_context("fork").Process(target=_child, args=(step, setting, result))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of imported libraries hold no lock here
        process.start()
    assert process.pid is not None
    try:
        process.join(setting.seconds + GRACE)
    finally:
        late = process.is_alive()
        _end_group(process.pid)  # with what it has started
        process.kill()
        process.join()
    row: Row = json.loads(result.read_text()) if result.exists() else {}
    result.unlink(missing_ok=True)
    if late:
        row["error"] = f"killed {GRACE:.0f} s after its deadline of {setting.seconds:.0f} s"
    elif process.exitcode and "error" not in row:
        row["error"] = f"the step's process ended with {process.exitcode}"
    return row


def _child(step: Step, setting: Setting, result: Path) -> None:
    os.setsid()  # so that its own children can be ended with it
    try:
        row = step.run(setting)
    except NoCardError as error:
        row = {"no_card": str(error)}
    except BaseException as error:  # an error of the card is not always an Exception's subclass that we know
        traceback.print_exc()
        row = {"error": f"{type(error).__name__}: {error}"[:600], "where": traceback.format_exc()[-3000:]}
    store(result, row)
    sys.stdout.flush()
    os._exit(0)  # without the exit handlers of libraries, which may hang on a broken card


def store(path: Path, row: Row) -> None:
    """Write it whole or not at all."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(row, default=str))
    half.replace(path)


def partly(setting: Setting, row: Row) -> None:
    """Keep what a step has found so far: it is the row, should the step be killed."""
    store(setting.out / _RESULT, row)


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def shown(value: Any, indent: int = 0) -> str:
    """A row as indented lines; of what fits a line, one line."""
    blank = " " * indent
    if isinstance(value, Mapping):
        flat = ", ".join(f"{k} {_short(v)}" for k, v in value.items())
        if len(flat) < 110 and not any(isinstance(v, dict | list) for v in value.values()):
            return blank + (flat or "none")
        return "\n".join(
            f"{blank}{k}: {_short(v)}" if not isinstance(v, Mapping | list) else f"{blank}{k}:\n{shown(v, indent + 2)}"
            for k, v in value.items()
        )
    if isinstance(value, list):
        flat = ", ".join(map(_short, value))
        if len(flat) < 110 and not any(isinstance(v, dict | list) for v in value):
            return blank + (flat or "none")
        return "\n".join(shown(v, indent) for v in value)
    return blank + _short(value)


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
