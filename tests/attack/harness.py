"""Run a case, in this process or in one of its own, and say what is wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pipeline import proxies
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from tests.attack.case import Case, Place
from tests.fixtures import lakes, nasbench201_files
from tests.fixtures.lines import time_limit

REPOSITORY = Path(__file__).parents[2]
START = 60.0  # seconds for a busy machine to start Python and import torch
LONGEST_LINE = 1000
FUNCTION = f'pipeline() {{ {shlex.quote(sys.executable)} -m pipeline "$@"; }}\n'
CHANGING = ("bench.duckdb", "bench.duckdb.sha256", "SHA256SUMS", "doctor.json")  # of a lake, as it is used
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


@dataclass(frozen=True)
class Outcome:
    """How a case ended; `faults` says what is not as expected."""

    exit: int | None
    output: str
    error: str
    seconds: float
    faults: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The last line that it printed."""
        return (self.error.strip() or self.output.strip()).rpartition("\n")[2]


class Lakes:
    """The lakes that cases read, each made once; a case that changes its lake gets a copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._makers: dict[str, Callable[[Path], object]] = {"made_up": lakes.made_up, "cells": cells}

    def shared(self, kind: str) -> Path:
        """The lake that no case changes."""
        lake = self._folder / kind
        if not lake.exists():
            self._makers[kind](lake)
        return lake

    def of(self, case: Case, root: Path) -> Path:
        """The lake of a case whose folder is `root`."""
        if case.lake == "none":
            return root / "lake"
        shared = self.shared(case.lake)
        if case.damage is None and not case.stores:
            return shared
        shutil.copytree(shared, root / "lake", ignore=shutil.ignore_patterns("bench.duckdb*", "derived"))
        if case.damage is not None:
            case.damage(root / "lake")
        return root / "lake"


def run(case: Case, lakes_made: Lakes, root: Path, *, process: bool) -> Outcome:
    """Run a case whose folder is `root`.

    Args:
        case: the case.
        lakes_made: the lakes that it may read.
        root: a new folder.
        process: in a process of its own, as from a shell; what needs one gets it in any case, a call never does.
    """
    place = Place(root, lakes_made.of(case, root))
    for folder in (place.files, place.others, place.temporary):
        folder.mkdir(parents=True)
    (place.others / "letter.txt").write_text("not yours")
    if case.make is not None:
        case.make(place.files)
    before = _state(place)
    separate = case.own_process or (process and case.call is None)
    outcome = (_in_a_process if separate else _in_this_process)(case, place)
    longest = case.seconds + START * separate
    faults = [*outcome.faults, *_faults(case, outcome, longest), *_touched(case, place, before)]
    return Outcome(outcome.exit, outcome.output, outcome.error, outcome.seconds, tuple(faults))


def cells(root: Path) -> None:
    """A lake of 40 architectures of NAS-Bench-201."""
    batch = SourceRows("nasbench201")
    for number, cell in enumerate(nasbench201_files.topologies(40)):
        batch.add_architecture("topology", {"cell": cell}, str(number))
    rows = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(root, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows.to_pylist()})


def failed_cells(root: Path) -> None:
    """The same with `params` of each, which failed."""
    cells(root)
    lake, bundle = Lake(root), proxies.load("params", None, "images")
    [proxy] = bundle.proxies
    rows = lake.read("architectures", "nasbench201", columns=["benchmark", "space", "arch_id"]).to_pylist()
    failed = {"status": "unbuildable", "reason": "RuntimeError: not mended yet"}
    scores = [lakes.score(0, proxy.proxy_id, None, **row, **failed) for row in rows]
    part = f"score-{bundle.family}-{'a' * 16}-00001"
    lake.publish("nasbench201", part, {"runs": [lakes.run()], "proxies": [proxy.row], "scores": scores})


def labelled_cells(root: Path) -> None:
    """The same with an accuracy and the scores of three proxies of each."""
    cells(root)
    lake, draw = Lake(root), random.Random(7)
    ids = lake.read("architectures", "nasbench201", columns=["arch_id"])["arch_id"].to_pylist()
    of = {"benchmark": "nasbench201"}
    proxies = [lakes.proxy(digit * 16, name) for digit, name in (("1", "params"), ("2", "naswot"), ("3", "zico"))]
    at = [{**of, "space": "topology", "arch_id": arch_id} for arch_id in ids]
    lake.publish(
        "nasbench201",
        "score-made-up",
        {
            "runs": [lakes.run()],
            "sources": [lakes.source(lakes.BIG, "big", **of)],
            "metrics": [lakes.metric(**of)],
            "truth": [lakes.truth(number, 50 + number / 2, **one) for number, one in enumerate(at)],
            "proxies": proxies,
            "scores": [
                lakes.score(number, proxy["proxy_id"], number + draw.gauss(0, 9), **one)
                for proxy in proxies for number, one in enumerate(at)
            ],
        },
    )  # fmt: skip


def _faults(case: Case, outcome: Outcome, longest: float) -> Iterator[str]:
    everything = outcome.output + outcome.error
    if outcome.exit != case.exit:
        yield f"exit code {outcome.exit}, expected {case.exit}"
    if "Traceback" in everything:
        yield "a traceback"
    lines = outcome.error.splitlines()
    if len(lines) > case.most_lines or (not lines and case.exit not in (0, -signal.SIGPIPE)):
        yield f"{len(lines)} lines on standard error, expected at most {case.most_lines}"
    if any(len(line) > LONGEST_LINE for line in lines):
        yield f"a line of {max(map(len, lines))} characters"
    if CONTROL.search(everything):
        yield "control characters"
    said = " ".join((outcome.error if case.exit else everything).split())
    yield from (f"does not say {words!r}" for words in case.says if words not in said)
    yield from (f"says {words!r}" for words in case.never if words in everything)
    if outcome.seconds > longest:
        yield f"took {outcome.seconds:.1f} s, expected at most {longest:g}"


def _state(place: Place) -> dict[str, tuple[int, int, str]]:
    """Size, time and target of every file of the case and its lake; of folders the name alone."""
    files = [path for root in {place.root, place.lake} for path in root.rglob("*") if not _cache(place, path)]
    return {str(path): _stamp(path) for path in files}


def _stamp(path: Path) -> tuple[int, int, str]:
    status = path.lstat()
    if path.is_symlink():
        return 0, 0, str(path.readlink())
    return (0, 0, "") if path.is_dir() else (status.st_size, status.st_mtime_ns, "")


def _cache(place: Place, path: Path) -> bool:
    """Whether it is what a command that only reads may write into a lake."""
    if not path.is_relative_to(place.lake) or path == place.lake:
        return False
    first = path.relative_to(place.lake).parts[0]
    return first in {*CHANGING, "derived", ".staging", "keys", "locations"} or first.startswith(".lock-")


def _touched(case: Case, place: Place, before: dict[str, tuple[int, int, str]]) -> Iterator[str]:
    after = _state(place)
    if case.stores:
        yield from (f"{name} of the lake changed" for name in before if after.get(name) != before[name])
        after = {name: stamp for name, stamp in after.items() if not Path(name).is_relative_to(place.lake)}
        before = {name: stamp for name, stamp in before.items() if not Path(name).is_relative_to(place.lake)}
    allowed = [place.files / name for name in case.writes]
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name) and not any(Path(name).is_relative_to(path) for path in allowed):
            change = "written" if name not in before else "removed" if name not in after else "changed"
            yield f"{change}: {os.path.relpath(name, place.root)}"


def _words(case: Case, place: Place) -> list[str]:
    return [word.replace("{lake}", str(place.lake)) for word in shlex.split(case.command)]


def _environment(place: Place) -> dict[str, str]:
    return {"PIPELINE_LAKE": str(place.lake), "TMPDIR": str(place.temporary), "TERM": "dumb"}


def _in_this_process(case: Case, place: Place) -> Outcome:
    output, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: int | None = 0
    faults: list[str] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, _environment(place)))
        stack.enter_context(mock.patch.object(tempfile, "tempdir", str(place.temporary)))
        stack.enter_context(contextlib.chdir(place.files))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(error))
        started = time.process_time()  # how busy the machine is does not matter
        stack.enter_context(time_limit(case.seconds + START))
        try:
            if case.call is not None:
                print(case.call(place))
            else:
                cli.main(_words(case, place))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except UserError as wrong:
            code = 1
            print(f"error: {' '.join(str(wrong).split())}", file=error)
        except BaseException:
            code = None
            traceback.print_exc(file=error)
        seconds = time.process_time() - started
    return Outcome(code, _text(output), _text(error), seconds, tuple(faults))


def _text(stream: io.TextIOWrapper) -> str:
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8", "replace")


def _in_a_process(case: Case, place: Place) -> Outcome:
    words = [sys.executable, "-m", "pipeline", *_words(case, place)]
    line = case.shell or "exec " + shlex.join(words)
    limit = "" if case.memory is None else f"ulimit -v {case.memory << 10}\n"
    environment = {**os.environ, **_environment(place), "PYTHONPATH": str(REPOSITORY)}
    started = time.monotonic()
    process = subprocess.Popen(
        ["sh", "-c", limit + FUNCTION + line],
        cwd=place.files, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    faults = []
    try:
        output, error = process.communicate(timeout=case.seconds + START)
    except subprocess.TimeoutExpired:
        faults.append(f"still running after {case.seconds + START:g} s")
        os.killpg(process.pid, signal.SIGKILL)
        output, error = process.communicate()
    seconds = time.monotonic() - started
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        faults.append("processes were left")
    return Outcome(
        process.returncode, output.decode("utf-8", "replace"), error.decode("utf-8", "replace"), seconds, tuple(faults)
    )
